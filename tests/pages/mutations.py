"""Changes of one fact of a model, as they happen on docs pages, with the differences that drift must find."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segforge import default_specs
from segforge.pages.drift.apply import apply
from segforge.pages.drift.compare import compare
from segforge.pages.drift.difference import Drift
from segforge.pages.read import page_of_bytes
from segforge.spec.catalog import Absent, Choices, Model, Parameter
from segforge.spec.load import check_model
from segforge.spec.source import SourceFile
from tests.pages.layouts import blank_line


@dataclass(frozen=True)
class Mutation:
    """A changed model, and the rule, kind and path of each difference that drift must find."""

    name: str
    model: Model
    expected: tuple[tuple[str, str, str], ...]


def mutations(model: Model) -> Iterator[Mutation]:
    """Yields every change of one fact that keeps the page consistent."""
    for one in model.parameters:
        for make in (_ranges, _default, _values, _required, _type):
            for name, changed, rule, kind, field in make(one, model.example.get(one.name)):
                parameters = tuple(changed if each.name == one.name else each for each in model.parameters)
                made = replace(model, parameters=parameters)
                yield Mutation(f"{one.name} {name}", made, ((rule, kind, f"parameters.{one.name}.{field}"),))
        yield _removed(model, one)
    for required in (True, False):
        yield _added(model, required)


Change = tuple[str, Parameter, str, str, str]


def _ranges(one: Parameter, sample: Any) -> Iterator[Change]:
    if one.minimum is None or one.maximum is None:
        return
    inner = [value for value in (sample, one.default) if isinstance(value, int | float)]
    yield "range lower", replace(one, minimum=one.minimum - 1), "range.widened", "compatible", "minimum"
    yield "range higher", replace(one, maximum=one.maximum + 10), "range.widened", "compatible", "maximum"
    if min([*inner, one.maximum]) > one.minimum:
        yield (
            "range from higher",
            replace(one, minimum=min([*inner, one.maximum])),
            "range.narrowed",
            "breaking",
            "minimum",
        )
    if max([*inner, one.minimum]) < one.maximum:
        yield (
            "range to lower",
            replace(one, maximum=max([*inner, one.minimum])),
            "range.narrowed",
            "breaking",
            "maximum",
        )
    yield "range gone", replace(one, minimum=None, maximum=None), "range.widened", "compatible", "minimum"


def _default(one: Parameter, sample: Any) -> Iterator[Change]:
    del sample
    if isinstance(one.default, Absent) or one.default is None:
        return
    if one.choices is not None:
        other: Any = next(value for value in one.choices.known if value != one.default)
    elif isinstance(one.default, bool):
        other = not one.default
    elif isinstance(one.default, str):
        other = f"{one.default} too"
    else:
        other = one.minimum if one.minimum is not None and one.minimum != one.default else one.default + 1
        if one.maximum is not None and other > one.maximum:
            return
    yield "default", replace(one, default=other), "default.changed", "compatible", "default"


def _values(one: Parameter, sample: Any) -> Iterator[Change]:
    if one.choices is None:
        return
    known, total = one.choices.known, one.choices.total or 0
    spare = [value for value in known if value not in (one.default, sample)]
    new = next(value for value in ("jpg", "jpeg", "png", "webp") if value not in known)
    yield "value added", _with(one, (*known, new), total + 1), "enum.value_added", "compatible", "enum.known"
    if spare:
        index = known.index(spare[0])
        path = f"enum.known.{index}"
        without = tuple(value for value in known if value != spare[0])
        gone = ("enum.value_removed", "breaking", path)
        # An open list may show other values, so none of them was removed.
        fewer = ("enum.total_changed", "breaking", "enum.total") if one.choices.open else gone
        other = ("enum.value_added", "compatible", "enum.known") if one.choices.open else gone
        yield "value removed", _with(one, without, total - 1), *fewer
        renamed = tuple(new if value == spare[0] else value for value in known)
        yield "value renamed", _with(one, renamed, total), *other
    if one.choices.open:
        yield "total", _with(one, known, total + 1), "enum.total_changed", "compatible", "enum.total"


def _with(one: Parameter, known: tuple[Any, ...], total: int) -> Parameter:
    return replace(one, choices=Choices(known, total))


def _required(one: Parameter, sample: Any) -> Iterator[Change]:
    del sample
    rule, kind = ("required.no_longer", "compatible") if one.required else ("required.now", "breaking")
    yield "required", replace(one, required=not one.required), rule, kind, "required"


def _type(one: Parameter, sample: Any) -> Iterator[Change]:
    del sample
    if one.type == "integer":
        yield "type wider", replace(one, type="number"), "type.widened", "compatible", "type"
    whole = [one.default, one.minimum, one.maximum]
    if one.type == "number" and all(
        value is None or (isinstance(value, int | float) and value == int(value)) for value in whole
    ):
        yield "type narrower", replace(one, type="integer"), "type.changed", "breaking", "type"


def _removed(model: Model, one: Parameter) -> Mutation:
    parameters = tuple(each for each in model.parameters if each.name != one.name)
    example = {key: value for key, value in model.example.items() if key != one.name}
    expected = ("parameter.removed", "breaking", f"parameters.{one.name}")
    return Mutation(f"{one.name} removed", replace(model, parameters=parameters, example=example), (expected,))


def _added(model: Model, required: bool) -> Mutation:
    new = Parameter(
        name="new_knob", type="integer", required=required, description="A new knob.", default=3, minimum=1, maximum=9
    )
    made = sorted([*model.parameters, new], key=lambda one: (not one.required, one.name))
    expected = ("parameter.added", "breaking" if required else "compatible", "parameters.new_knob")
    return Mutation("added", replace(model, parameters=tuple(made)), (expected,))


def spec_of(slug: str) -> SourceFile:
    """Returns the project's own spec of a model."""
    source, _ = check_model(default_specs() / "models" / f"{slug}.yaml")
    assert source is not None
    return source


def drift_of(text: str, source: SourceFile) -> Drift:
    """Returns the drift of a page's text from a spec."""
    return compare(page_of_bytes(text.encode(), "page"), source)


def finds(drift: Drift, mutation: Mutation) -> bool:
    """Returns whether a drift has the change with its classification, and no change of another parameter."""
    found = {(one.rule, one.kind, one.path) for one in drift.differences}
    names = {path.split(".")[1] for _, _, path in mutation.expected}
    return set(mutation.expected) <= found and all(one.path.split(".")[1:2] == list(names) for one in drift.differences)


@dataclass(frozen=True)
class Applied:
    """The result of applying a change: drift and lint errors that are left, and the comments before and after."""

    left: tuple[str, ...]
    comments_before: list[str]
    comments_after: list[str]


def apply_and_reread(slug: str, mutation: Mutation, folder: Path) -> Applied:
    """Applies a changed page to a copy of the spec with more comments, and compares the page with the result."""
    file = folder / f"{slug}.yaml"
    before = with_comments((default_specs() / "models" / f"{slug}.yaml").read_text("utf-8"))
    file.write_text(before, "utf-8")
    source, _ = check_model(file)
    assert source is not None
    page = blank_line(mutation.model)
    after, _ = apply(before, drift_of(page, source))
    file.write_text(after, "utf-8")
    source, findings = check_model(file)
    assert source is not None, after
    left = [str(one) for one in findings if one.severity == "error"] + [
        one.path for one in drift_of(page, source).differences
    ]
    return Applied(
        tuple(left), comments_of(before), [one for one in comments_of(after) if not one.startswith("# TODO")]
    )


def with_comments(text: str) -> str:
    """Returns a spec with a comment on every third line of facts, and one above each parameter."""
    lines = []
    for number, line in enumerate(text.split("\n")):
        if re.fullmatch(r"  [a-z_]+:", line):
            lines.append(f"  # about {line.strip()}")
        plain = re.fullmatch(r"    (default|minimum|maximum|required): [\w.]+", line)
        lines.append(f"{line}  # seen on line {number}" if plain and number % 3 == 0 else line)
    return "\n".join(lines)


def comments_of(text: str) -> list[str]:
    """Returns the comments of a spec, in order. No text in the specs contains ` #`."""
    return re.findall(r"(?m)(?:^|(?<=\s))#.*$", text)
