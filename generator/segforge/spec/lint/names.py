"""Rules about names: slugs, parameters, and that no two meet in a generated client."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from segforge.spec.finding import Finding
from segforge.spec.identifiers import camel_case, pascal_case, snake_case
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import HIDDEN, show
from segforge.spec.source import SourceFile

_PORTS = [f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)]

DEVICES = frozenset(["aux", "con", "nul", "prn", *_PORTS])
"""Names that Windows reserves for devices, whatever their suffix: https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""


def lint_catalog(models: Iterable[SourceFile]) -> list[Finding]:
    """Returns all findings about several model files together."""
    slugs = {source.data["slug"]: source for source in models}
    findings = []
    for language, naming in _NAMINGS.items():
        for first, second, name in _collisions(slugs, naming):
            findings.append(
                slugs[second].finding(
                    ("slug",),
                    f"collision.{language}",
                    f"{show(second)} and {show(first)} both become {name} in {language}",
                    "distinct names",
                    "remove one of the two models",
                )
            )
    return findings


def slugs_collide(slugs: Sequence[str]) -> bool:
    """Returns whether `lint_catalog` would report models of these slugs."""
    return any(next(_collisions(slugs, naming), None) for naming in _NAMINGS.values())


def slug_is_file_name(source: SourceFile) -> Iterator[Finding]:
    """The file is named after the slug."""
    slug = source.data["slug"]
    if source.path.name != f"{slug}.yaml":
        found = f"slug {show(slug)} in a file called {source.path.name}"
        yield source.finding(("slug",), "slug.file_name", found, f"the file name {slug}.yaml", "rename one of them")


def shape_is_file_name(source: SourceFile) -> Iterator[Finding]:
    """The file of a shape is named after it."""
    name = source.data["name"]
    if source.path.stem != name:
        found = f"name {show(name)} in a file called {source.path.name}"
        yield source.finding(("name",), "shape.file_name", found, f"the file name {name}.yaml", "rename one of them")


def shapes_name_no_shapes(source: SourceFile) -> Iterator[Finding]:
    """A shape contains no other shape, so that none contains itself."""
    for at, part in each_parameter(source):
        if "shape" in part:
            found, expected = f"shape {show(part['shape'])}", "facts"
            yield source.finding((*at, "shape"), "shape.nested", found, expected, "write its facts here", key=True)


def slug_is_a_name_everywhere(source: SourceFile) -> Iterator[Finding]:
    """The slug, which names files, is not reserved for a device on Windows."""
    slug = source.data["slug"]
    if slug.partition(".")[0] in DEVICES:
        found = f"slug {show(slug)}, which names a device on Windows"
        mend = "remove the model, since its files can't be checked out on Windows"
        yield source.finding(("slug",), "slug.reserved", found, "a name that a file may have", mend)


def names_are_clean(source: SourceFile) -> Iterator[Finding]:
    """Names of parameters have no hidden characters and no outer spaces."""
    for at, _ in each_parameter(source):
        name = str(at[-1])
        if at[-2:-1] not in (("parameters",), ("properties",)):
            continue
        if not name.isprintable() or name != name.strip() or HIDDEN.search(name):
            expected = "a visible name without outer spaces"
            yield source.finding(at, "parameter.name", show(name), expected, "rename it", key=True)


def parameter_names_stay_apart(source: SourceFile) -> Iterator[Finding]:
    """No two parameters become the same name in a client."""
    for language, naming in _NAMINGS.items():
        for first, second, name in _collisions(source.data["parameters"], naming):
            found = f"{show(second)} and {show(first)} both become {name} in {language}"
            at = ("parameters", second)
            yield source.finding(
                at, f"collision.{language}", found, "distinct names", "remove one if the page allows it", key=True
            )


_NAMINGS: Mapping[str, Callable[[str], str]] = {
    "python": lambda name: f"{snake_case(name)} and {pascal_case(name)}",
    "typescript": lambda name: f"{camel_case(name)} and {pascal_case(name)}",
}


def _collisions(names: Iterable[str], naming: Callable[[str], str]) -> Iterator[tuple[str, str, str]]:
    """Yields pairs of names that become the same in a language: the earlier, the later, and the result."""
    seen: dict[str, str] = {}
    for name in names:
        made = naming(name)
        if made in seen:
            yield seen[made], name, made.split(" and ")[0]
        seen.setdefault(made, name)
