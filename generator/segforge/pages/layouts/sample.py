"""Finds payloads in a page's code samples: `segmind.run(...)`, a Python or JavaScript object, curl's data, a form."""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from segforge.pages.layouts.form_sample import form_starts, from_text, read_forms
from segforge.pages.layouts.numbers import has_lost_digit
from segforge.pages.page import Value

MAX_CODE: Final = 200_000
MAX_SAMPLES: Final = 12

_CALL = re.compile(r"\b(?:segmind|client)\.(?:run|submit|submit_async|chat|submit_chat)\(")
_OBJECT = re.compile(
    r"(?:\b(?:data|payload|body|input|json)\s*[=:]\s*|JSON\.stringify\(\s*"
    r"|--data(?:-raw|-binary)?\s+'|(?<!\S)-d\s+'|-d \$')(?=\{)"
)
_BRACKET = re.compile(r"[\"'`{}\[\]()]")
_STRINGS = {
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*+"'),
    "'": re.compile(r"'(?:[^'\\\n]|\\.)*+'"),
    "`": re.compile(r"`(?:[^`\\]|\\.)*+`"),
}
_CLOSING = {"{": "}", "[": "]", "(": ")"}
_NUMBERED = re.compile(r"(?:^|(?<=\s)|(?<=[)\]};]))1(?=[^\d\s.,)])|^[ \t]*1(?=[ \t]*\n[ \t]*2)", re.MULTILINE)
_NUMBER_START = re.compile(r"[-+]?\s*\.?\d")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_CLOSED = re.compile(r"[ \t]*[})]")
_NAMES = {"true": True, "false": False, "null": None, "None": None, "undefined": None, "True": True, "False": False}


@dataclass(frozen=True)
class Sample:
    """A payload in a code sample: its place, the slug that the code names (or None), and the place of each value."""

    payload: dict[str, Value]
    start: int
    end: int
    slug: str | None
    keys: dict[str, tuple[int, int]]
    uneven: frozenset[str] = frozenset()
    """The keys whose values are spaced or written differently from the others, so that a digit may be wrong."""
    files: frozenset[str] = frozenset()
    """The names that a form sends as files."""
    text_only: bool = False
    """Whether the payload is a form whose values are all texts."""

    def value(self, name: str, type_: str) -> Value:
        """Returns the value of a name, as a value of the type if the form has its text only."""
        return from_text(self.payload[name], type_) if self.text_only else self.payload[name]


def read_samples(text: str, start: int, end: int) -> list[Sample]:
    """Returns the payloads in the code between two offsets, in the page's order."""
    code = _without_numbers(text[start : min(end, start + MAX_CODE)])
    found = []
    forms = [
        Sample(one.payload, one.start, one.end, None, one.keys, files=one.files, text_only=one.text_only)
        for one in read_forms(code)
    ]
    started = form_starts(code)
    objects = (one for one in _payloads(code) if one.payload or code.rfind("\n", 0, one.start) + 1 not in started)
    for sample in sorted([*forms, *objects], key=lambda one: one.start):
        found.append(
            Sample(
                sample.payload,
                start + sample.start,
                start + sample.end,
                sample.slug,
                {key: (start + begin, start + stop) for key, (begin, stop) in sample.keys.items()},
                _uneven(code, sample),
                sample.files,
                sample.text_only,
            )
        )
        if len(found) == MAX_SAMPLES:
            break
    return found


def _uneven(code: str, sample: Sample) -> frozenset[str]:
    tight = {key for key, (begin, _) in sample.keys.items() if code[begin - 1 : begin] == ":"}
    odd = tight if len(tight) < len(sample.keys) else set()
    odd |= {key for key, place in sample.keys.items() if _is_damaged_number(code[slice(*place)])}
    if "\n" in code[sample.start : sample.end]:
        odd |= {key for key, (_, stop) in sample.keys.items() if _CLOSED.match(code, stop)}
    return frozenset(odd)


def _is_damaged_number(text: str) -> bool:
    """Returns whether code starts like a number in a form that pages don't print, such as `.2`, `1.`, `- 2` or `-0`."""
    return _NUMBER_START.match(text) is not None and (_NUMBER.fullmatch(text) is None or has_lost_digit(text))


def _without_numbers(code: str) -> str:
    """Returns the code with its line numbers replaced by blanks, which keeps all offsets."""
    parts = []
    at = 0
    for first in _NUMBERED.finditer(code):
        if first.start() < at:
            continue
        places = _numbers(code, first.end() - 1)
        for place, number in places if len(places) > 1 else []:
            parts += [code[at:place], " " * len(number)]
            at = place + len(number)
    parts.append(code[at:])
    return "".join(parts)


def _numbers(code: str, first: int) -> list[tuple[int, str]]:
    """Returns the places of consecutive line numbers, starting with the 1 at offset `first`."""
    places = [(first, "1")]
    while (end := code.find("\n", places[-1][0])) >= 0:
        number = str(len(places) + 1)
        match = re.compile(rf"[ \t]*(?={number}(?!\d))").match(code, end + 1)
        if match is None:
            break
        places.append((match.end(), number))
    return places


def _payloads(code: str) -> Iterator[Sample]:
    openings = sorted(
        [(match.end() - 1, "call") for match in _CALL.finditer(code)]
        + [(match.end(), "object") for match in _OBJECT.finditer(code)]
    )
    done = 0
    for at, kind in openings:
        if at < done:
            continue
        close = _closing(code, at)
        if close is None:
            continue
        chunk = code[at : close + 1]
        sample = _call(chunk, at) if kind == "call" else _object(chunk, at)
        if sample is not None:
            done = close
            yield sample


def _closing(code: str, at: int) -> int | None:
    """Returns the offset at which the bracket at `at` closes, or None. Text in quotes is skipped."""
    stack: list[str] = []
    while match := _BRACKET.search(code, at):
        character, at = match[0], match.end()
        if character in _STRINGS:
            text = _STRINGS[character].match(code, match.start())
            if text is None:
                return None
            at = text.end()
        elif character in _CLOSING:
            stack.append(_CLOSING[character])
        elif not stack or stack.pop() != character:
            return None
        elif not stack:
            return match.start()
        if len(stack) > 100:
            return None
    return None


def _call(chunk: str, at: int) -> Sample | None:
    tree = _parse("f" + chunk)
    call = tree.body if isinstance(tree, ast.Expression) else None
    if not isinstance(call, ast.Call) or any(keyword.arg is None for keyword in call.keywords):
        return None
    slug = (
        call.args[0].value
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        else None
    )
    if len(call.args) > 1 or not all(isinstance(one, ast.Constant | ast.Name | ast.Attribute) for one in call.args):
        return None  # `prompt=="..."`, for example, is an argument without a name
    starts = _offsets("f" + chunk)
    try:
        payload = {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}
    except ValueError:
        return None
    if not payload and not (len(call.args) == 1 and slug):
        return None
    keys = {str(one.arg): _node_place(one.value, starts, at - 1) for one in call.keywords}
    return Sample(payload, at, at + len(chunk), slug, keys)


def _object(chunk: str, at: int) -> Sample | None:
    tree = _parse(chunk)
    node = tree.body if isinstance(tree, ast.Expression) else None
    try:
        payload: Any = json.loads(chunk.replace("'\\''", "'"))  # a shell escapes an apostrophe in this way
    except (ValueError, RecursionError):
        if not isinstance(node, ast.Dict):
            return None
        try:
            payload = _literal(node)
        except ValueError:
            return None
    if not isinstance(payload, dict):
        return None
    keys = {}
    if isinstance(node, ast.Dict):
        starts = _offsets(chunk)
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                keys[str(_key(key))] = _node_place(value, starts, at)
    return Sample(payload, at, at + len(chunk), None, keys)


def _parse(code: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # samples contain escapes such as `\/`
            return ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _literal(node: ast.expr) -> Value:
    """Returns the value of a Python or JavaScript literal. Raises ValueError for anything else."""
    match node:
        case ast.Constant(value=str() as text):
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(key is not None for key in keys):
            return {str(_key(key)): _literal(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case _:
            raise ValueError("not a literal")


def _key(node: ast.expr) -> Value:
    return node.id if isinstance(node, ast.Name) else _literal(node)


def _offsets(code: str) -> tuple[list[int], str]:
    starts = [0]
    for line in code.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts, code


def _node_place(node: ast.expr, code: tuple[list[int], str], at: int) -> tuple[int, int]:
    """Returns the start and end of a node in the text, in characters. Python's columns are in bytes."""
    starts, text = code

    def offset(line: int, column: int) -> int:
        begin = starts[min(line - 1, len(starts) - 1)]
        row = text[begin : starts[line] if line < len(starts) else None]
        return at + begin + len(row.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    return offset(node.lineno, node.col_offset), offset(
        node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    )
