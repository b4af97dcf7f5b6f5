"""Finds calls of the gateway in Python: by HTTP libraries, by the official SDK, and by the generated client."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final, Literal

from segforge.usage.address import AddressBook, is_slug
from segforge.usage.json_text import read_json
from segforge.usage.python.scopes import FoundCall, Module, Scope
from segforge.usage.python.values import Evaluator
from segforge.usage.rules import GONE
from segforge.usage.shown import (
    FORM_ENCODING,
    UNSEEN,
    CodeText,
    Encoded,
    Entries,
    Gone,
    NotReadable,
    Position,
    Shown,
    Use,
)

_SENDERS: Final = frozenset({"post", "request", "Request", "urlopen"})
_SDK: Final = re.compile(r"segmind\.(?:(?:client\.)?SegmindClient\(\)\.)?(\w+)")
_CLIENT: Final = re.compile(r"segmind_client\.(?:(?:Async)?Segmind(?:Client)?\(\)\.)?(run|run_sync|submit_async)")
_ATTRIBUTE: Final = re.compile(r"segmind_client\.(?:Async)?Segmind(?:Client)?\(\)\.(\w+)\.(?:run|submit|run_async)")
_RUNS: Final = frozenset({"run", "run_sync", "submit_async"})
_CHATS: Final = frozenset({"chat", "chat_sync", "submit_chat"})
_GONE: Final = frozenset({"run_async", "stream"})


def read_python(code: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses of the gateway in a module. Raises NotReadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
        module = Module(tree)
    except SyntaxError as error:
        raise NotReadable(f"not valid Python 3, line {error.lineno or 1}") from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise NotReadable("not valid Python 3, or nested too deeply") from None
    reader = _Calls(module, Evaluator(module, code.split("\n")), book)
    for name, node in module.imports:
        if name.partition(".")[0] in GONE:
            yield Gone(name.partition(".")[0], reader.position(node))
    for text in module.texts:
        yield from reader.address(text.node, text.scope)
    for call in module.calls:
        yield from reader.call(call)


class _Calls:
    def __init__(self, module: Module, evaluator: Evaluator, book: AddressBook) -> None:
        self._module, self._values, self._book = module, evaluator, book

    def position(self, node: ast.AST) -> Position:
        """Returns the position of a node."""
        return self._values.position(node)

    def address(self, node: ast.expr, scope: Scope) -> Iterator[Use]:
        """Yields the model whose address stands in the code."""
        text = self._values.value(node, scope)
        slug = self._book.slug(text) if isinstance(text, CodeText) else None
        if slug is not None and isinstance(text, CodeText):
            yield Use(slug, text.position, "address", text.position)

    def call(self, found: FoundCall) -> Iterator[Use | Gone]:
        """Yields the use that a call is, if any."""
        node, scope, expected = found
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _SENDERS:
            yield from self._http(found, name)
        origin = self._values.origin(node.func, scope) if name else ""
        if not origin.startswith(("segmind.", "segmind_client.")):
            return
        at = self._values.position(node)
        sdk, attribute = _SDK.fullmatch(origin), _ATTRIBUTE.fullmatch(origin)
        if sdk is not None and sdk[1] in _GONE:
            yield Gone(f"segmind.{sdk[1]}", at)
        if attribute is not None:
            payload = None if expected else self._values.keywords(node, scope)
            yield Use(attribute[1], at, "attribute", at, payload, "client")
        elif _CLIENT.fullmatch(origin):
            yield from self._by_slug(found, Use("", at, "client", at, form="client"))
        elif sdk is not None and sdk[1] in _RUNS | _CHATS:
            yield from self._by_slug(found, Use("", at, "sdk", at), judged=sdk[1] in _RUNS)

    def _by_slug(self, found: FoundCall, use: Use, *, judged: bool = True) -> Iterator[Use]:
        """Yields the use of a method whose first argument is the slug and whose keywords are the parameters."""
        node, scope, expected = found
        named = [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
        first = node.args[0] if node.args else named[0] if named else None
        slug = self._values.value(first, scope) if first is not None else UNSEEN
        if isinstance(slug, CodeText) and is_slug(slug):
            payload = self._values.keywords(node, scope) if judged and not expected and not named else None
            yield Use(str(slug), slug.position, use.kind, use.call, payload, use.form)

    def _http(self, found: FoundCall, name: str) -> Iterator[Use]:
        node, scope, expected = found
        if any(isinstance(one, ast.Starred) for one in node.args):
            return
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        method = "POST"
        rest = list(node.args)
        if name == "request":
            shown = (
                self._values.value(given["method"] if "method" in given else rest.pop(0), scope)
                if given or rest
                else ""
            )
            method = shown.upper() if isinstance(shown, str) else ""
        url = given["url"] if "url" in given else rest.pop(0) if rest else None
        text = self._values.value(url, scope) if url is not None else UNSEEN
        slug = self._book.slug(text) if isinstance(text, CodeText) else None
        if slug is None or not isinstance(text, CodeText) or method != "POST":
            return
        at = self._values.position(node)
        bearer = self._values.bearer(given.get("headers"), scope)
        payload, form = self._body(rest, given, scope)
        is_form = form == "text" and "files" not in given and payload is not None
        encoding = FORM_ENCODING if is_form and None not in given and not expected else ""
        if None in given or expected:  # `**options` may hold anything
            payload, bearer = None, None
        yield Use(slug, text.position, "http", at, payload, form, encoding, bearer)

    def _body(
        self, rest: list[ast.expr], given: dict[str | None, ast.expr], scope: Scope
    ) -> tuple[Entries | None, Literal["json", "text"]]:
        """Returns the payload of an HTTP request, and its form."""
        if "json" in given:
            return _entries(self._values.value(given["json"], scope)), "json"
        if len(rest) == 2:  # requests.post(url, data, json)
            return _entries(self._values.value(rest[1], scope)), "json"
        body = given.get("data", given.get("content", rest[0] if rest else None))
        shown = self._values.value(body, scope) if body is not None else UNSEEN
        match shown:
            case Encoded(value=value):
                return _entries(value), "json"
            case CodeText():
                return _entries(read_json(shown)), "json"
            case _:
                entries = _entries(shown)
                if entries is not None and "files" in given:
                    return Entries(entries.entries, entries.position, whole=False), "text"
                return entries, "text"


def _entries(shown: Shown) -> Entries | None:
    return shown if isinstance(shown, Entries) else None
