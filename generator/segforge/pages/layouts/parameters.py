"""Builds parameters from blocks: their facts, their values in the samples, and their undecided facts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from segforge.pages.layouts.blocks import BlockReading
from segforge.pages.layouts.headers import GLUED_NAME, Block
from segforge.pages.layouts.labels import FACTS
from segforge.pages.layouts.nesting import FlatParameter, nest
from segforge.pages.layouts.sample import Sample
from segforge.pages.layouts.tokens import KINDS, Values
from segforge.pages.layouts.traces import headers
from segforge.pages.layouts.values import fits
from segforge.pages.page import CERTAIN, LIKELY, Fact, PageParameter, Undecided, Value
from segforge.pages.source.document import Document, Line, joined

_SYNONYMS = {"float": "number", "int": "integer", "bool": "boolean", "str": "string"}
_REMARKS = {
    "deprecated": re.compile(r"deprecated", re.IGNORECASE),
    "affects_price": re.compile(r"affects (?:pricing|price)", re.IGNORECASE),
}
"""Lines below the type that are facts, not part of the description."""
_DEPRECATED = re.compile(r"[\[(]?(?:Deprecated|DEPRECATED|deprecated)\b")


def build_parameters(
    document: Document, reading: BlockReading, samples: Sequence[Sample], end: int
) -> tuple[PageParameter, ...]:
    """Returns the parameters of a section that ends at `end`. Nested parameters are items of their parents."""
    bare = _no_descriptions(reading)
    starts = [block.name_place[0] for block in reading.blocks]
    texts = [document.text[start:stop] for start, stop in pairwise([*starts, end])]
    blocks = reading.blocks
    if reading.form == "split":
        blocks = list(_without_gaps(document, blocks))
    flat = [
        FlatParameter(
            replace(_parameter(document, block, reading.form, samples, bare=bare), text=text), block.values.nests
        )
        for block, text in zip(blocks, texts, strict=True)
    ]
    nested = nest(flat, [sample.payload for sample in samples])
    return tuple(with_sample(document, _checked(one), samples) for one in nested)


def _without_gaps(document: Document, blocks: Sequence[Block]) -> Iterator[Block]:
    """Yields the blocks, without a description where no blank line precedes it although one precedes all others."""

    def has_gap(block: Block) -> bool:
        end = (block.header.format or block.header.type)[1]
        return bool(block.description) and "\n\n" in document.text[end : block.description[0].start].replace(" ", "")

    described = [block for block in blocks if block.description and block.other is None]
    sure = len(described) > 0 and all(map(has_gap, described))
    for block in blocks:
        if sure and block.other is not None and block.other.labelled and not has_gap(block):
            yield replace(block, description=(), values=block.other, other=None)
        else:
            yield block


def _checked(parameter: PageParameter) -> PageParameter:
    """Returns a parameter whose nested ones have an undecided type where the values on the page contradict it."""
    return replace(
        parameter,
        items=tuple(map(_checked, map(with_checked_type, parameter.items))),
        members=tuple(map(_checked, map(with_checked_type, parameter.members))),
    )


def _no_descriptions(reading: BlockReading) -> bool:
    """Returns whether the page has no descriptions at all, so that the lines in their place are values."""
    readings = [block for block in reading.blocks if block.header.slot is None]
    return len(readings) > 2 and all(block.other is not None or not block.description for block in readings)


def _parameter(document: Document, block: Block, form: str, samples: Sequence[Sample], *, bare: bool) -> PageParameter:
    glued = form in ("joined", "glued")
    known = any(block.name in sample.payload for sample in samples)
    sure, why = (
        (CERTAIN, "its own line")
        if not glued
        else (CERTAIN, "joined, but a key of the sample")
        if known
        else (LIKELY, "joined to other text")
    )
    facts = _header_facts(document, block, sure, why)
    values = block.other if bare and block.other is not None else block.values
    undecided = _values_into(document, values, facts)
    described = not (bare and block.other is not None)
    facts |= _remarks(document, block, block.description if described else ())
    lines = [line for line in block.description if not any(one.fullmatch(line.text) for one in _REMARKS.values())]
    if lines and described:
        place = document.span(lines[0].start, lines[-1].end)
        facts["description"] = Fact(joined(lines), place, LIKELY, "the text after the type")
    if form == "glued" and headers(facts["description"].value if "description" in facts else ""):
        why = "the description contains the start of another parameter"
        undecided |= {key: Undecided((facts.pop(key).value,), facts["type"].span, why) for key in FACTS if key in facts}
    if block.other is not None and not bare:
        _doubt_description(document, block.values, block.other, facts, undecided)
    span = document.span(*block.name_place)
    if block.names:
        undecided["name"] = Undecided(block.names, span, GLUED_NAME)
    return PageParameter(block.name, span, facts, undecided)


def _remarks(document: Document, block: Block, lines: Sequence[Line]) -> dict[str, Fact]:
    """Returns the remarks beside the flag or the type, on lines of their own, or at the start of the description."""
    header, text = block.header, document.text
    end = text.find("\n", (header.format or header.type)[1])
    beside = text[header.flag[1] : header.type[0]], text[(header.format or header.type)[1] : end if end >= 0 else None]
    found = {
        key: Fact(True, document.span(line.start, line.end), CERTAIN, "a line of its own")
        for key, pattern in _REMARKS.items()
        for line in lines
        if pattern.fullmatch(line.text)
    }
    if any(_REMARKS["deprecated"].fullmatch(one.strip(" \t\n,·")) for one in beside):
        found["deprecated"] = Fact(True, document.span(*header.flag), CERTAIN, "beside the flag or the type")
    elif lines and _DEPRECATED.match(lines[0].text):
        place = document.span(lines[0].start, lines[0].end)
        found.setdefault("deprecated", Fact(True, place, LIKELY, "the description starts with it"))
    return found


def _header_facts(document: Document, block: Block, sure: float, why: str) -> dict[str, Fact]:
    header, text = block.header, document.text
    type_ = text[slice(*header.type)].lower()
    facts = {
        "required": Fact(text[slice(*header.flag)].lower() == "required", document.span(*header.flag), sure, why),
        "type": Fact(normal_type(type_), document.span(*header.type), sure, why),
    }
    if header.format is not None:
        facts["format"] = Fact(text[slice(*header.format)], document.span(*header.format), sure, why)
    return facts


def _values_into(document: Document, values: Values, facts: dict[str, Fact]) -> dict[str, Undecided]:
    for key, mark in values.facts.items():
        facts[key] = Fact(mark.value, document.span(mark.start, mark.end), mark.confidence, mark.why)
    return {
        key: Undecided(candidates, document.span(start, end), why)
        for key, (candidates, start, end, why) in values.open.items()
    }


def _doubt_description(
    document: Document, values: Values, other: Values, facts: dict[str, Fact], undecided: dict[str, Undecided]
) -> None:
    """Makes facts undecided if they depend on whether the description's only line is a value."""
    why = "the line may be the description, or a value of a parameter without one"
    if other.labelled and "description" in facts:
        description = facts.pop("description")
        undecided["description"] = Undecided((description.value,), description.span, why)
    for key in {*values.facts, *other.facts, *values.open, *other.open}:
        one, two = values.facts.get(key), other.facts.get(key)
        if one is not None and two is not None and one.value == two.value:
            continue
        mark = two or one
        candidates = tuple(each.value for each in (one, two) if each is not None)
        place = document.span(mark.start, mark.end) if mark else facts["type"].span
        facts.pop(key, None)
        undecided[key] = Undecided(candidates, place, why)


def with_sample(document: Document, parameter: PageParameter, samples: Sequence[Sample]) -> PageParameter:
    """Returns the parameter with its value in the samples. If that contradicts the type, the type is undecided."""
    facts, undecided = dict(parameter.facts), dict(parameter.undecided)
    type_ = str(parameter.get("type") or "")
    shown = [(sample, sample.value(parameter.name, type_)) for sample in samples if parameter.name in sample.payload]
    if shown:
        sample, value = shown[0]
        start, end = sample.keys.get(parameter.name, (sample.start, sample.end))
        span = document.span(start, end)
        others = [other for _, other in shown if type(other) is not type(value) or other != value]
        if others:
            candidates: list[Value] = [value]
            candidates += [other for other in others if other not in candidates]
            undecided["sample"] = Undecided(tuple(candidates), span, "the samples differ")
        else:
            facts["sample"] = Fact(value, span, CERTAIN, "a key of the sample")
    if any(parameter.name in sample.files for sample in samples):
        texts = parameter.get("format") == "uri" or str(facts["sample"].value if "sample" in facts else "").startswith(
            "http"
        )
        facts["accepts"] = Fact(["url", "part"] if texts else ["part"], parameter.span, CERTAIN, "a file of the sample")
    return with_checked_type(replace(parameter, facts=facts, undecided=undecided))


def with_checked_type(parameter: PageParameter) -> PageParameter:
    """Returns the parameter with an undecided type if its default or its value in the samples contradicts the type.

    If a default or allowed values confirm the type, the sample alone doesn't contradict it.
    """
    facts = dict(parameter.facts)
    if "type" not in facts:
        return parameter
    type_ = facts["type"].value
    against = [key for key in ("sample", "default") if key in facts and not fits(facts[key].value, type_)]
    if not against or (against == ["sample"] and _confirmed(facts, type_)):
        return parameter
    shown = json_type(facts[against[0]].value)
    stated = facts.pop("type")
    why = f"the page says {type_}, but its {' and its '.join(against)} is of type {shown}"
    return replace(
        parameter,
        facts=facts,
        undecided={**parameter.undecided, "type": Undecided((type_, shown), stated.span, why)},
    )


def _confirmed(facts: Mapping[str, Fact], type_: str) -> bool:
    """Returns whether a labelled default or labelled allowed values have the type."""
    values = [facts[key] for key in ("default", "enum") if key in facts and facts[key].confidence == CERTAIN]
    shown = [one for fact in values for one in (fact.value if isinstance(fact.value, list) else [fact.value])]
    return type_ in KINDS and bool(shown) and all(one is not None and fits(one, type_) for one in shown)


def normal_type(text: str) -> str:
    """Returns a type with JSON's names, such as `number[] | string` for `float[]|str`."""
    names = re.sub(r"[a-z]+", lambda match: _SYNONYMS.get(match[0], match[0]), text.lower())
    return re.sub(r"\s*\|\s*", " | ", names)


def json_type(value: Value) -> str:
    """Returns the name of a JSON value's type."""
    if isinstance(value, bool):
        return "boolean"
    names: Mapping[type, str] = {
        str: "string",
        int: "integer",
        float: "number",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names.get(type(value), "string")
