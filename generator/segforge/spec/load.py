"""Loads and checks a folder of specs."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

from segforge.spec import catalog as c
from segforge.spec.build import build_directory, build_gateway, build_model, build_releases, with_average
from segforge.spec.finding import Finding, SpecError
from segforge.spec.inputs import (
    CHANGELOG_FILE,
    DIRECTORY_FILE,
    GATEWAY_FILE,
    MODELS_FOLDER,
    SpecFile,
    default_specs,
    display,
    model_paths,
    shape_paths,
)
from segforge.spec.lint import (
    lint_catalog,
    lint_changelog,
    lint_directory,
    lint_gateway,
    lint_listed,
    lint_model,
    lint_paths,
    lint_shape,
)
from segforge.spec.lint.schema import Form, fits_schema, schema_findings
from segforge.spec.shapes import Shapes, names_shapes, with_shapes, with_whole_facts
from segforge.spec.source import SourceFile, parse_source, read_bytes, read_source

__all__ = [
    "CHANGELOG_FILE",
    "DIRECTORY_FILE",
    "GATEWAY_FILE",
    "MODELS_FOLDER",
    "build_gateway",
    "build_model",
    "build_releases",
    "check_changelog",
    "check_form",
    "check_model",
    "check_specs",
    "checked_source",
    "default_specs",
    "display",
    "load_catalog",
    "load_directory",
    "model_paths",
    "valid_data",
]


_OPTIONAL: Final[tuple[tuple[str, Form], ...]] = ((CHANGELOG_FILE, "changelog"), (DIRECTORY_FILE, "directory"))
"""The files that a folder of specs may lack."""


def load_catalog(specs: Path) -> c.Catalog:
    """Loads a folder of specs: `gateway.yaml`, `models/*.yaml`, and the files that it may lack.

    Raises SpecError with all errors; warnings are ignored.
    """
    catalog, findings = check_specs(specs)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or catalog is None:
        raise SpecError(errors)
    return catalog


def check_specs(specs: Path) -> tuple[c.Catalog | None, list[Finding]]:
    """Loads and lints a folder of specs. Returns the Catalog (None if there are errors) and all findings, sorted."""
    if not specs.is_dir():
        return None, [
            Finding(str(specs), 0, 0, "file.missing", "no such folder", "a folder of specs", "pass it with --specs")
        ]
    findings: list[Finding] = []
    gateway = _checked(specs / GATEWAY_FILE, "gateway", findings)
    paths = model_paths(specs)
    models = [source for path in paths if (source := _checked(path, "model", findings)) is not None]
    if not paths:
        folder = str(specs / MODELS_FOLDER)
        findings.append(
            Finding(folder, 0, 0, "file.missing", "no *.yaml", "one file per model", "see the docs page 'Add a model'")
        )
    findings += lint_catalog(models)
    findings += lint_paths(gateway, models) if gateway is not None else []
    for path in shape_paths(specs):
        _checked(path, "shape", findings)
    changelog, listed = (
        _checked(specs / name, form, findings) if (specs / name).exists() else None for name, form in _OPTIONAL
    )
    findings += lint_listed(listed, models) if listed is not None else []
    if gateway is None or any(finding.severity == "error" for finding in findings):
        return None, sorted(findings)
    directory = build_directory(listed.data) if listed is not None else c.Directory()
    built = (build_model(with_average(source.data, directory)) for source in models)
    releases = build_releases(changelog.data) if changelog is not None else ()
    ordered = tuple(sorted(built, key=lambda model: model.slug))
    return c.Catalog(build_gateway(gateway.data), ordered, releases, directory), sorted(findings)


def check_model(path: Path) -> tuple[SourceFile | None, list[Finding]]:
    """Reads and lints one model file. Returns the file (None if it violates the schema) and all findings."""
    return check_form(path, "model")


def check_form(path: Path, form: Form) -> tuple[SourceFile | None, list[Finding]]:
    """Reads and lints one file of a form. Returns the file (None if it violates the schema) and all findings."""
    findings: list[Finding] = []
    source = _checked(path, form, findings)
    return source, sorted(findings)


def load_directory(specs: Path) -> c.Directory:
    """Loads the directory of a folder of specs, without the models. Raises SpecError with all errors."""
    return build_directory(checked_source(specs / DIRECTORY_FILE, "directory").data)


def checked_source(path: Path, form: Form) -> SourceFile:
    """Reads and lints one file of a form. Raises SpecError with all errors; warnings are ignored."""
    source, findings = check_form(path, form)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or source is None:
        raise SpecError(errors)
    return source


def check_changelog(path: Path) -> None:
    """Reads and lints a change log. Raises SpecError with all findings."""
    findings: list[Finding] = []
    _checked(path, "changelog", findings)
    if findings:
        raise SpecError(findings)


def valid_data(file: SpecFile, form: Form, shapes: Sequence[SpecFile] = ()) -> Any:
    """Returns the data of a file that was read already, as were the shared shapes; None if it has errors."""
    findings: list[Finding] = []
    source = _fit(*parse_source(file.raw, file.path, file.path.name), form, findings, shapes)
    return None if source is None or any(finding.severity == "error" for finding in findings) else source.data


def _checked(path: Path, form: Form, findings: list[Finding]) -> SourceFile | None:
    """Reads and checks one file, and appends its findings. Returns None if the file violates the schema."""
    return _fit(*read_source(path, display(path)), form, findings)


def _fit(
    source: SourceFile | None,
    broken: list[Finding],
    form: Form,
    findings: list[Finding],
    shapes: Sequence[SpecFile] | None = None,
) -> SourceFile | None:
    """Checks a file that was read already, like `_checked`. `shapes` is None if the shared shapes were not read yet."""
    if source is not None and not fits_schema(form, source.data):
        broken += schema_findings(source, form)
    errors = any(finding.severity == "error" for finding in broken)
    if source is not None and not errors and form == "model":
        used = names_shapes(source.data["parameters"])
        source, unknown = with_shapes(source, _shapes(source.path.parents[1], shapes) if used else {})
        broken, errors = broken + unknown, bool(unknown)
    if source is not None and not errors and form == "shape":
        source = with_whole_facts(source)
    if source is not None and not errors:
        findings += _LINTS[form](source)
    findings += broken
    return None if errors else source


def _shapes(specs: Path, read: Sequence[SpecFile] | None) -> Shapes:
    """Returns the shared shapes, those of a folder of specs if none were read yet. One with errors has no facts."""
    if read is not None:
        return {file.path.stem: _facts_of_shape(file) for file in read}
    found: dict[str, Mapping[str, Any] | None] = {}
    for path in shape_paths(specs):
        try:
            found[path.stem] = _facts_of_shape(SpecFile(path, read_bytes(path)))
        except OSError:
            found[path.stem] = None
    return found


@lru_cache(maxsize=1000)
def _facts_of_shape(file: SpecFile) -> Mapping[str, Any] | None:
    data = valid_data(file, "shape")
    return None if data is None else cast("Mapping[str, Any]", data["facts"])


_LINTS: Mapping[Form, Callable[[SourceFile], list[Finding]]] = {
    "model": lint_model,
    "gateway": lint_gateway,
    "changelog": lint_changelog,
    "directory": lint_directory,
    "shape": lint_shape,
    "deviations": lambda _: [],
}
