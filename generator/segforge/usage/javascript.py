"""Finds calls of the gateway in JavaScript and TypeScript: by HTTP libraries and by the generated client."""

from collections.abc import Iterator
from typing import Final

from segforge.usage.address import AddressBook, is_slug
from segforge.usage.script.calls import ScriptCall, addresses_in, calls_in, payload_of
from segforge.usage.script.scopes import Extent
from segforge.usage.script.values import ScriptCode
from segforge.usage.shown import (
    UNSEEN,
    CodeText,
    Encoded,
    Entries,
    Gone,
    Position,
    Shown,
    Use,
    bearer_in,
    encoding_in,
)

_CLIENT: Final = "segmind-client"
_CLASSES: Final = frozenset({"Segmind", "SegmindClient"})
_RUNS: Final = frozenset({"run", "runSync", "submitAsync"})
_MODEL_RUNS: Final = frozenset({"run", "runAsync", "submit"})
_WITH_OPTIONS: Final = frozenset({"fetch", "$fetch", "ofetch", "axios", "request", "got", "ky", "ajax"})
_OPTIONS: Final = frozenset({"body", "json", "headers", "form", "searchparams", "method", "data", "timeout"})


def read_javascript(code: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses of the gateway in a code."""
    reader = _Javascript(ScriptCode(code, "javascript"), book)
    yield from addresses_in(reader.code, book)
    for call in calls_in(reader.code):
        yield from reader.http(call)
        yield from reader.client(call)


class _Javascript:
    def __init__(self, code: ScriptCode, book: AddressBook) -> None:
        self.code, self._book = code, book
        self._imported: dict[str, str] = {}
        for index, token in enumerate(code.tokens.every):
            if token.kind == "text" and (token.value == _CLIENT or token.value.startswith(f"{_CLIENT}/")):
                self._import(index)

    def _import(self, index: int) -> None:
        """Notes the names that an import of the client binds, such as `{ Segmind as Client }`."""
        tokens = self.code.tokens
        at = index - 1
        while at >= 0 and index - at < 300 and tokens.value(at) not in ("import", "const", "let", "var", ";"):
            at -= 1
        for name in range(at + 1, index):
            if tokens.every[name].kind != "name" or tokens.value(name) in ("as", "from", "type", "require", "await"):
                continue
            if tokens.value(name - 1) not in ("as", ":"):
                local = tokens.value(name + 2) if tokens.value(name + 1) in ("as", ":") else tokens.value(name)
                self._imported[local] = tokens.value(name)

    def http(self, call: ScriptCall) -> Iterator[Use]:
        """Yields the call of a model by an HTTP library."""
        if not call.arguments or (call.name not in _WITH_OPTIONS and call.name != "post"):
            return
        first = self.code.value(call.arguments[0])
        options = self.code.value(call.arguments[1]) if len(call.arguments) > 1 else None
        if isinstance(first, Entries):  # axios({url, method, data})
            options, url = first, first.get("url")
        else:
            url = first
        slug = self._book.slug(url) if isinstance(url, CodeText) else None
        if slug is None or not isinstance(url, CodeText):
            return
        if call.name == "post" and self._is_body(options):
            config = self.code.value(call.arguments[2]) if len(call.arguments) > 2 else Entries((), url.position)
            yield self._use(call, slug, url, options, config, "")
            return
        method = options.get("method", "type") if isinstance(options, Entries) else None
        if call.name == "post" or (isinstance(method, str) and method.upper() == "POST"):
            body = options.get("body", "json", "data") if isinstance(options, Entries) else None
            default = "text/plain" if call.name == "fetch" else ""
            yield self._use(call, slug, url, body, options or UNSEEN, default)

    def _is_body(self, second: Shown) -> bool:
        """Returns whether the second argument of `post` is the body, as in axios, and not the options, as in got."""
        return not isinstance(second, Entries) or not any(one.name.lower() in _OPTIONS for one in second.entries)

    def _use(self, call: ScriptCall, slug: str, url: CodeText, body: Shown, options: Shown, default: str) -> Use:
        headers: Shown = UNSEEN
        if isinstance(options, Entries):
            stated = options.get("headers")
            headers = stated if stated is not None else Entries((), url.position, options.whole)
        is_text = isinstance(body, Encoded | str)  # a form sets its content type itself
        encoding = encoding_in(headers, default if is_text else "") if body is not None else ""
        at = self.code.position(call.first)
        return Use(slug, url.position, "http", at, payload_of(body), "json", encoding, bearer_in(headers))

    def client(self, call: ScriptCall) -> Iterator[Use]:
        """Yields the call of a model by the generated client."""
        if not self._imported or call.name not in _RUNS | _MODEL_RUNS:
            return
        owner = call.names[:-1]
        at = self.code.position(call.first)
        if call.name in _RUNS and self._is_client(owner, call.first) and call.arguments:
            slug = self.code.value(call.arguments[0])
            if isinstance(slug, CodeText) and is_slug(slug):
                payload = self._payload(call, 1, at)
                yield Use(str(slug), slug.position, "client", at, payload, "client")
            return
        if call.name not in _MODEL_RUNS or not owner:
            return
        model = owner[-1] if self._is_client(owner[:-1], call.first) else self._model_class(owner, call.first)
        if model:
            yield Use(model, at, "attribute", at, self._payload(call, 0, at), "client")

    def _payload(self, call: ScriptCall, index: int, at: Position) -> Entries | None:
        if len(call.arguments) <= index:
            return Entries((), at)
        shown = self.code.value(call.arguments[index])
        return shown if isinstance(shown, Entries) else None

    def _is_client(self, names: tuple[str, ...], at: int) -> bool:
        """Returns whether a name or `this.name` is a client."""
        return self._class_of(names, at) in _CLASSES

    def _class_of(self, names: tuple[str, ...], at: int) -> str:
        """Returns the class of the client's package that a name is an instance of, or ""."""
        value: Extent | None = None
        if len(names) == 2 and names[0] == "this":
            value = self.code.scopes.member(names[1])
        elif len(names) == 1 and names[0]:
            found = self.code.scopes.find(names[0], at)
            if found is None:
                return ""
            annotation = self.code.scopes.types.get((found.scope, names[0]), "")
            if annotation:
                return self._imported.get(annotation, "")
            value = found.value
        if value is None or self.code.tokens.value(value.start) != "new":
            return ""
        name = self.code.tokens.value(value.start + 1)
        if self.code.tokens.value(value.start + 2) == "." and name in self._imported:
            return self.code.tokens.value(value.start + 3)
        return self._imported.get(name, "")

    def _model_class(self, names: tuple[str, ...], at: int) -> str:
        """Returns the attribute of a model that is used without a client, such as `new FluxImg2img()`."""
        name = self._class_of(names, at)
        return "" if not name or name in _CLASSES else name[0].lower() + name[1:]
