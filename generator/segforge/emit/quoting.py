"""Jinja filters that quote values from specs for their place in generated code. Values enter code no other way.

Filters return `Code`. The environment refuses to print a bare string, so that a forgotten filter raises an error when
the template is rendered, and the text of a docs page never becomes code.
"""

import dataclasses
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from segforge.emit.bytecode import TemplateBytecode
from segforge.spec.identifiers import camel_case, pascal_case, snake_case
from segforge.spec.printable import HIDDEN, json_visible

LINE_LENGTH: Final = 120
_BLOCK_START: Final = re.compile(r"^([0-9]{1,9}(?=[.)])|)(#{1,6}|[-+]|=+|-{2,}|[.)])(?=\s|\Z)")
"""Markup that starts a heading, a list or a rule at the start of a line of Markdown."""
LARGEST_NUMBER: Final = 2**53 - 1
"""The largest safe integer in JavaScript; larger ones are written as bigints."""


_JSON: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_ASCII_JSON: Final = json.JSONEncoder(allow_nan=False).encode


class Code(str):
    """Text that can be printed into generated code unchanged."""

    __slots__ = ()


def python_literal(value: object) -> Code:
    """Returns a Python literal of the value. Characters other than printable ASCII and common letters are escaped."""
    if isinstance(value, str):  # most are
        return Code(ascii(str(value)) if _invisible(value) else repr(str(value)))
    if isinstance(value, Mapping):
        return Code(
            "{" + ", ".join(f"{python_literal(key)}: {python_literal(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return Code("[" + ", ".join(map(python_literal, value)) + "]")
    if isinstance(value, tuple):
        return _tuple(map(python_literal, value))
    if value is None or isinstance(value, bool | int | float):
        return Code(repr(value))
    raise TypeError(f"no Python literal for {type(value).__name__}")


def python_expression(value: object) -> Code:
    """Returns an expression that constructs a frozen dataclass, without default values; a literal of other values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        arguments = [
            f"{field.name}={python_expression(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        ]
        return Code(f"{type(value).__name__}({', '.join(arguments)})")
    if isinstance(value, tuple):
        return _tuple(map(python_expression, value))
    if isinstance(value, Mapping):
        items = (f"{python_literal(key)}: {python_expression(item)}" for key, item in value.items())
        return Code("{" + ", ".join(items) + "}")
    return python_literal(value)


def _is_default(field: "dataclasses.Field[Any]", value: object) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(value == field.default)


def classes_in(value: object) -> set[str]:
    """Returns the names of the dataclasses that `python_expression` constructs for a value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = [
            getattr(value, field.name)
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        ]
        return {type(value).__name__}.union(*map(classes_in, given))
    if isinstance(value, Mapping):
        return set().union(*map(classes_in, value.values()))
    return set().union(*map(classes_in, value)) if isinstance(value, tuple | list) else set()


def _tuple(items: Iterable[Code]) -> Code:
    listed = list(items)
    return Code(f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})")


@lru_cache(maxsize=64)  # both Python clients share docstrings
def docstring(text: str, indent: int = 4) -> Code:
    """Returns a whole Python docstring, wrapped. No text can end it early."""
    room = LINE_LENGTH - indent
    escaped = re.sub(r'"(?=""|\s*\Z)', r"\"", visible(text).replace("\\", "\\\\"))
    paragraphs = [_wrapped(line, room - 6, hyphens=True) for line in escaped.splitlines()]
    lines = [line for paragraph in paragraphs for line in paragraph] or [""]
    if len(lines) == 1:
        return Code(f'"""{lines[0]}"""')
    pad = "\n" + " " * indent
    body = pad.join(lines).replace(pad + "\n", "\n\n").replace(pad + pad, "\n" + pad)
    return Code(f'"""{body}{pad}"""')


def python_visible(source: str) -> str:
    """Escapes hidden characters in Python source, all of which are in plain literals."""
    return HIDDEN.sub(lambda match: ascii(match[0])[1:-1], source)


def docstring_words(text: str) -> Code:
    """Returns text for one line of a docstring."""
    return Code(" ".join(visible(text).split()).replace("\\", "\\\\").replace('"', '\\"'))


def comment(text: str) -> Code:
    """Returns the text of a comment, on one line."""
    return Code(" ".join(visible(text).split()))


def markdown(text: str) -> Code:
    """Returns text for a line of Markdown, with markup, HTML and table separators escaped."""
    escaped = re.sub(r"([\\`*_\[\]<>|~&$])", r"\\\1", " ".join(visible(text).split()))
    return Code(_BLOCK_START.sub(r"\1\\\2", escaped))


def python_identifier(name: str) -> Code:
    """Returns the name of a Python variable, function or module."""
    return Code(snake_case(name))


def python_class(name: str) -> Code:
    """Returns the name of a Python class."""
    return Code(pascal_case(name))


def typescript_literal(value: object) -> Code:
    """Returns a TypeScript and JavaScript literal in ASCII, safe within `<script>`. Large integers become bigints."""
    if isinstance(value, str):  # most are
        return Code(_ASCII_JSON(value).replace("<", "\\u003c"))
    if isinstance(value, list | tuple):
        return Code(f"[{', '.join(map(typescript_literal, value))}]")
    if isinstance(value, Mapping):
        items = ", ".join(f"{typescript_key(key)}: {typescript_literal(item)}" for key, item in value.items())
        return Code(f"{{ {items} }}" if items else "{}")
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER and value == value // 1:
        return Code(f"{int(value)}n")
    return Code(_ASCII_JSON(value).replace("<", "\\u003c"))


def typescript_comment(text: str) -> Code:
    """Returns text for one line of a `/** */` comment. It can't end the comment or add a tag such as `@deprecated`."""
    return Code(" ".join(_commentable(text).split()))


def typescript_doc(text: str, indent: int = 0) -> Code:
    """Returns a whole `/** */` comment, wrapped. No text can end it early."""
    lines = [
        line
        for paragraph in _commentable(text).strip().splitlines()
        for line in _wrapped(paragraph, LINE_LENGTH - indent - 3)
    ] or [""]
    if len(lines) == 1 and len(lines[0]) <= LINE_LENGTH - indent - 7:
        return Code(f"/** {lines[0]} */")
    pad = "\n" + " " * indent
    return Code(f"/**{''.join(f'{pad} * {line}'.rstrip() for line in lines)}{pad} */")


def typescript_deprecated(text: str, indent: int = 0) -> Code:
    """Returns a whole `/** */` comment with the tag `@deprecated`."""
    pad = "\n" + " " * indent
    inner = typescript_doc(text, indent)
    body = inner if "\n" in inner else f"/**{pad} * {inner[4:-3]}{pad} */"
    opening = body.removesuffix(f"{pad} */") if text.strip() else "/**"
    return Code(f"{opening}{pad} * @deprecated{pad} */")


def _wrapped(line: str, width: int, *, hyphens: bool = False) -> list[str]:
    """Returns visible text in lines of at most a width, where words permit it. `hyphens`: break at them, too."""
    if len(line) <= width:  # most are
        return [line.rstrip(" ")]
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=hyphens) or [""]


def _commentable(text: str) -> str:
    return visible(text).replace("*/", "*\\/").replace("@", "\\@")


def typescript_key(name: str) -> Code:
    """Returns a property's name as written in an interface or an object, quoted if needed."""
    if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) and name != "__proto__":
        return Code(name)
    literal = typescript_literal(name)
    return Code(f"[{literal}]") if name == "__proto__" else literal


def typescript_property(name: str) -> Code:
    """Returns the name of a TypeScript property, in camel case."""
    return Code(camel_case(name))


def json_text(value: object) -> Code:
    """Returns JSON, which is valid YAML, with hidden characters escaped."""
    return Code(json_visible(_JSON(value)))


def bruno_line(text: str) -> Code:
    """Returns a value for one line of a request of Bruno. It can't name a variable, such as `{{process.env.NAME}}`."""
    return Code(re.sub(r"\{(?=\{)", "{ ", " ".join(visible(text).split())))


def bruno_body(value: object) -> Code:
    """Returns JSON for a block of a request of Bruno, indented. Texts in it can't name a variable or end the block."""
    text = json_visible(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))
    return Code(textwrap.indent(re.sub(r"\{(?=\{)", r"\\u007b", text), "  "))


FILTERS: Final = {
    "bruno_body": bruno_body,
    "bruno_line": bruno_line,
    "literal": python_literal,
    "expression": python_expression,
    "docstring": docstring,
    "docstring_words": docstring_words,
    "comment": comment,
    "markdown": markdown,
    "identifier": python_identifier,
    "class_name": python_class,
    "ts_literal": typescript_literal,
    "ts_comment": typescript_comment,
    "ts_key": typescript_key,
    "ts_property": typescript_property,
    "tsdoc": typescript_doc,
    "tsdoc_deprecated": typescript_deprecated,
    "json": json_text,
}


@cache
def environment() -> Environment:
    """Returns the Jinja environment: it rejects undefined names and bare strings, and has the filters above."""
    templates = files("segforge.emit") / "templates"
    jinja = Environment(
        loader=FunctionLoader(lambda name: (templates / name).read_text("utf-8")),
        undefined=StrictUndefined,
        finalize=_only_code,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML here; _only_code is stricter than escaping
        bytecode_cache=TemplateBytecode(templates) if isinstance(templates, Path) else None,
    )
    jinja.filters = dict(FILTERS)
    jinja.globals = {}
    return jinja


def render(template: str, **values: object) -> str:
    """Renders a template of the `templates` folder. Raises TypeError if it prints an unquoted value."""
    return environment().get_template(template).render(**values)


def _only_code(value: object) -> object:
    if type(value) is not Code:
        raise TypeError(
            f"a template prints a bare {type(value).__name__}; apply one of the filters {', '.join(FILTERS)}"
        )
    return value


_INVISIBLE: Final = (
    r"[^\x20-\x7e\n\t\u00a1-\u00ac\u00ae-\u024f\u0370-\u03ff\u0400-\u04ff\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u22ff"
    r"\u2600-\u27bf\u3001-\u303f\u3041-\u3096\u3099-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e\U0001f300-\U0001faff]"
)


@cache
def _invisible_characters() -> re.Pattern[str]:
    """Compiles the class above when a text needs it, since that takes 5 ms."""
    return re.compile(_INVISIBLE)


def _invisible(text: str) -> bool:
    return not _plain(text) and bool(_invisible_characters().search(text))


def _plain(text: str) -> bool:
    """Whether all characters are printable ASCII, which most texts are. It takes a tenth of the time of a search."""
    return text.isascii() and text.isprintable()


def visible(text: str) -> str:
    """Escapes characters that a reader can't see: controls, direction overrides, lone surrogates."""
    if _plain(text):
        return str(text)
    shown = text.replace("\r\n", "\n").replace("\t", "    ")
    return _invisible_characters().sub(lambda match: ascii(match[0])[1:-1], shown)
