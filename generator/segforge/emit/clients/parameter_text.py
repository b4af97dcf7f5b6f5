"""All facts about a parameter and its parts in lines of text, as docstrings and reference pages show them."""

from collections.abc import Iterator
from typing import Final

from segforge.emit.clients.condition_text import condition_sentences
from segforge.emit.once import once
from segforge.emit.quoting import Code, markdown
from segforge.emit.schemas import describe, facts
from segforge.spec.catalog import Model, Parameter
from segforge.spec.printable import joined, show

KINDS: Final = {"image": "an image", "video": "a video", "audio": "a sound", "model3d": "a 3D model", "any": "a file"}
"""Each kind of file, in words."""

FORMS: Final = {"url": "URL", "data_uri": "data URL", "base64": "base64 text", "part": "part of a multipart body"}
"""Each form in which a file may be sent, in words."""


@once(128)  # both clients and their reference pages state the same facts
def parameter_text(parameter: Parameter) -> str:
    """Returns all facts about a parameter as one line, such as `steps (integer, required): ...`."""
    return _line(parameter.name, parameter, "required" if parameter.required else "optional")


def part_lines(parameter: Parameter) -> Iterator[str]:
    """Yields a line for each part of a parameter, such as `images[].uri (string, required): ...`."""
    yield from _part_lines(parameter, parameter.name)


def _part_lines(parameter: Parameter, at: str) -> Iterator[str]:
    if parameter.items is not None:
        yield from _lines(parameter.items, f"{at}[]", "")
    for part in parameter.properties:
        yield from _lines(part, f"{at}.{part.name}", "required" if part.required else "optional")
    for member in parameter.any_of:
        yield from _lines(member, f"{at} as {member.name}", "")


def _lines(parameter: Parameter, at: str, need: str) -> Iterator[str]:
    yield _line(at, parameter, need)
    yield from _part_lines(parameter, at)


def _line(at: str, parameter: Parameter, need: str) -> str:
    kind = f"{parameter.type} or null" if parameter.nullable else parameter.type
    if parameter.any_of:
        kind = "one of several" + (" or null" if parameter.nullable else "")
    text = joined(part_text(parameter), _values(parameter))
    return f"{at} ({', '.join(filter(None, (kind, need)))}): {text}".strip().removesuffix(":")


@once(128)
def part_text(parameter: Parameter) -> str:
    """Returns the purpose of a parameter and the facts about it that its type doesn't show, as sentences."""
    sentences = [describe(parameter), facts(parameter), file_text(parameter), _labels(parameter)]
    if parameter.choices is not None and parameter.type == "number":
        sentences.append(_values(parameter))
    sentences += ["Affects the price."] if parameter.affects_price else []
    sentences += ["Deprecated."] if parameter.deprecated else []
    sentences += [_inferred(parameter)] if parameter.inferred else []
    return joined(*sentences)


def _inferred(parameter: Parameter) -> str:
    """Returns the facts that were concluded from a sample. They are not named if they are about the type alone."""
    others = not set(parameter.inferred) <= {"type", "format", "file", "items"}
    return f"Inferred: {', '.join(parameter.inferred)}." if others else "Inferred."


def file_text(parameter: Parameter) -> str:
    """Returns a sentence about the file that a text stands for, and its forms; empty for any other text."""
    if parameter.file is None:
        return ""
    forms = " or ".join(FORMS[form] for form in parameter.accepts)
    return f"Stands for {KINDS[parameter.file]}{f', as {forms}' if forms else ''}."


def _labels(parameter: Parameter) -> str:
    """Returns the labels of the values, such as `Labels: "720x1280" is "Portrait".`; empty without labels."""
    choices = parameter.choices
    if choices is None or not choices.labels:
        return ""
    pairs = zip(choices.known, choices.labels, strict=True)
    return f"Labels: {', '.join(f'{show(value)} is {show(label)}' for value, label in pairs if label is not None)}."


def _values(parameter: Parameter) -> str:
    if parameter.choices is None or not parameter.choices.known:
        return ""
    return f"Values: {', '.join(show(value) for value in parameter.choices.known)}."


def parameter_lines(model: Model) -> list[Code]:
    """Returns a line of Markdown for each parameter of a model, for each part of one, and for each condition."""
    lines = [line for one in model.parameters for line in (parameter_text(one), *part_lines(one))]
    return [markdown(line) for line in (*lines, *condition_sentences(model))]
