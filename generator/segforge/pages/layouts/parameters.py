"""Builds parameters from blocks: their facts, their values in the samples, and their undecided facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from segforge.pages.layouts.blocks import GLUED_NAME, BlockReading, description_of
from segforge.pages.layouts.headers import Block
from segforge.pages.layouts.labels import FACTS
from segforge.pages.layouts.sample import Sample
from segforge.pages.layouts.tokens import Values
from segforge.pages.layouts.traces import headers
from segforge.pages.layouts.values import fits
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Fact, PageParameter, Span, Undecided, Value
from segforge.pages.source.document import Document

_SYNONYMS = {"float": "number", "int": "integer", "bool": "boolean", "str": "string"}


def build_parameters(
    document: Document, reading: BlockReading, samples: Sequence[Sample], end: int
) -> tuple[PageParameter, ...]:
    """Returns the parameters of a section that ends at `end`. Nested parameters are items of their parents."""
    bare = _no_descriptions(reading)
    payload = samples[0].payload if samples else {}
    starts = [block.name_place[0] for block in reading.blocks]
    texts = [document.text[start:stop] for start, stop in pairwise([*starts, end])]
    made = [
        replace(_parameter(document, block, reading.form, samples, bare=bare), text=text)
        for block, text in zip(reading.blocks, texts, strict=True)
    ]
    return _nest(made, [block.values.nests for block in reading.blocks], payload)


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
    if block.description and not (bare and block.other is not None):
        place = document.span(block.description[0].start, block.description[-1].end)
        facts["description"] = Fact(description_of(block), place, LIKELY, "the text after the type")
    if form == "glued" and headers(facts["description"].value if "description" in facts else ""):
        why = "the description contains the start of another parameter"
        undecided |= {key: Undecided((facts.pop(key).value,), facts["type"].span, why) for key in FACTS if key in facts}
    if block.other is not None and not bare:
        _doubt_description(document, block.values, block.other, facts, undecided)
    span = document.span(*block.name_place)
    if block.names:
        undecided["name"] = Undecided(block.names, span, GLUED_NAME)
    parameter = PageParameter(block.name, span, facts, undecided)
    return with_sample(document, parameter, samples)


def _header_facts(document: Document, block: Block, sure: float, why: str) -> dict[str, Fact]:
    header, text = block.header, document.text
    type_ = text[slice(*header.type)].lower()
    facts = {
        "required": Fact(text[slice(*header.flag)].lower() == "required", document.span(*header.flag), sure, why),
        "type": Fact(_SYNONYMS.get(type_, type_), document.span(*header.type), sure, why),
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
    shown = [(sample, sample.payload[parameter.name]) for sample in samples if parameter.name in sample.payload]
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
    _check_type(facts, undecided)
    return replace(parameter, facts=facts, undecided=undecided)


def _check_type(facts: dict[str, Fact], undecided: dict[str, Undecided]) -> None:
    if "type" not in facts:
        return
    type_ = facts["type"].value
    against = [key for key in ("sample", "default") if key in facts and not fits(facts[key].value, type_)]
    if not against:
        return
    shown = json_type(facts[against[0]].value)
    stated = facts.pop("type")
    undecided["type"] = Undecided(
        (type_, shown), stated.span, f"the page says {type_}, but its {' and its '.join(against)} is of type {shown}"
    )


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


@dataclass(frozen=True)
class _BlockGroup:
    children: int
    doubtful: int


def _nest(made: list[PageParameter], nests: list[bool], payload: Mapping[str, Value]) -> tuple[PageParameter, ...]:
    """Moves nested parameters into the items of the parameters whose objects contain them."""
    top: list[PageParameter] = []
    index = 0
    while index < len(made):
        parameter = made[index]
        index += 1
        if nests[index - 1]:
            inner = _inner(payload.get(parameter.name))
            group = _group(parameter, made[index:], payload, inner)
            children, flags = made[index : index + group.children], nests[index : index + group.children]
            items = _nest([_inside(child, inner) for child in children], flags, inner)
            parameter = replace(parameter, items=items)
            index += group.children
            for offset in range(index, min(index + group.doubtful, len(made))):
                made[offset] = _doubt_parent(made[offset], parameter.name)
        top.append(parameter)
    return tuple(top)


def _inner(value: Value) -> dict[str, Value]:
    """Returns the keys and values of the objects in a sample's value, merged."""
    if isinstance(value, dict):
        return value
    merged: dict[str, Value] = {}
    for one in value if isinstance(value, list) else []:
        if isinstance(one, dict):
            merged |= one
    return merged


def _group(
    parent: PageParameter, following: list[PageParameter], payload: Mapping[str, Value], inner: Mapping[str, Value]
) -> _BlockGroup:
    """Returns how many of the following parameters belong to the parent, and how many after them may belong to it."""
    certain = end = 0
    for number, one in enumerate(following, start=1):
        if one.name in payload and one.name not in inner:
            break
        end = number
        if (one.name in inner and one.name not in payload) or not _may_follow(parent, one):
            certain = number
    return _BlockGroup(certain, end - certain)


def _may_follow(parent: PageParameter, one: PageParameter) -> bool:
    """Returns whether the page's order (required first, then by name) allows one parameter after another."""
    return (not parent.get("required"), parent.name) < (not one.get("required"), one.name)


def _doubt_parent(parameter: PageParameter, parent: str) -> PageParameter:
    why = f"it may belong to the objects in {parent}, or to the request itself"
    return replace(
        parameter, undecided={**parameter.undecided, "parent": Undecided((parent, None), parameter.span, why)}
    )


def _inside(parameter: PageParameter, inner: Mapping[str, Value]) -> PageParameter:
    """Returns a nested parameter with its value in the sample's objects instead of the one at the top level."""
    facts = {key: fact for key, fact in parameter.facts.items() if key != "sample"}
    if parameter.name in inner:
        place: Span = parameter.span
        facts["sample"] = Fact(inner[parameter.name], place, CONVENTION, "a key of the objects in the sample")
    return replace(parameter, facts=facts)
