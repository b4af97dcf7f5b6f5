"""The correct mock as a function from a request to an answer, and the ASGI app around a fault.

A fault never changes the mock itself. It may change the request or the answer, or answer instead of the mock.
"""

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias
from unittest.mock import patch

from PIL import Image

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge_mock.app import App
from segforge_mock.gateway.routing import Match, Router
from segforge_mock.http.request import Message, Receive, Scope, Send, read_body
from segforge_mock.media import image as drawing
from segforge_mock.media.image import GeneratedImage

KEY = "SG_0123456789abcdef"
KEY_HEADER = "x-api-key"


class Asked(NamedTuple):
    """A request. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON, or None if it isn't JSON."""
        return _parsed(self.body)

    @property
    def key(self) -> str:
        """The key of the request, or ""."""
        return self.headers.get(KEY_HEADER, "")

    def with_header(self, name: str, value: str | None) -> "Asked":
        """Returns the request with a header set, or removed if the value is None."""
        return self._replace(headers=_with(self.headers, name, value))

    def with_json(self, data: object) -> "Asked":
        """Returns the request with another body."""
        return self._replace(body=json.dumps(data).encode())


class Answer(NamedTuple):
    """An answer. Header names are lower case. Content-Length is set when it is sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, or None if it isn't JSON."""
        return _parsed(self.body) if self.headers.get("content-type") == "application/json" else None

    @property
    def is_image(self) -> bool:
        """Whether the body is an image."""
        return self.headers.get("content-type", "").startswith("image/")

    def with_header(self, name: str, value: str | None) -> "Answer":
        """Returns the answer with a header set, or removed if the value is None."""
        return self._replace(headers=_with(self.headers, name, value))

    def with_json(self, data: object) -> "Answer":
        """Returns the answer with another JSON body."""
        return self.with_header("content-type", "application/json")._replace(body=json.dumps(data).encode())


def refusal(status: int, error: str = "Invalid parameters") -> Answer:
    """Returns a refusal in the gateway's format."""
    return Answer(status, {}, b"").with_json({"error": error})


class Original:
    """Calls the correct mock."""

    def __init__(self, app: App, catalog: Catalog) -> None:
        self._app = app
        self._models = {model.slug: model for model in catalog.models}
        self._match = Router(catalog.gateway.routes, catalog.printed_paths, self._models).match

    async def __call__(self, asked: Asked) -> Answer:
        """Returns the correct answer."""
        messages: list[Message] = []
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers.items()]
        scope = {"type": "http", "scheme": "http", "method": asked.method, "path": asked.path, "headers": raw}

        async def receive() -> Message:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return Answer(messages[0]["status"], fields, body)

    def match(self, asked: Asked) -> Match:
        """Returns the route of a path; its name is "" if there is none."""
        return self._match(asked.path) or Match("", "", "")

    def call(self, asked: Asked) -> tuple[Model, dict[str, Any]] | None:
        """Returns the model and the payload of a run or a submit, or None for other requests."""
        match = self.match(asked)
        model = self._models.get(match.value) if match.route in ("run", "submit") else None
        payload = asked.json if model is not None and asked.method == "POST" else None
        return (model, payload) if model is not None and isinstance(payload, dict) else None

    def knows(self, asked: Asked) -> bool:
        """Returns whether a run or a submit names an existing model."""
        return self.match(asked).value in self._models

    def elsewhere(self, asked: Asked) -> Asked:
        """Returns the same call to an existing model."""
        version = "v1" if self.match(asked).route == "run" else "v2"
        slug = next(slug for slug, model in self._models.items() if version in model.versions)
        return asked._replace(path=f"/{version}/{slug}")

    async def debit(self, asked: Asked, credits: float) -> None:
        """Debits the balance of the request's key."""
        await self._app.store.charge(self._app.tenants.get(asked.key.encode()).name, credits)


def plain_images() -> AbstractContextManager[object]:
    """Patches the mock to draw noise in a corner of a plain image, which is as distinct and ten times as fast."""

    def plain(generated: GeneratedImage) -> Image.Image:
        side, chance = min(generated.width, generated.height, 64), random.Random(generated.pattern)
        image = Image.new("RGB", (generated.width, generated.height), f"#{chance.randrange(2**24):06x}")
        image.paste(Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side)))
        return image

    return patch.object(drawing, "_draw", plain)


Fault: TypeAlias = Callable[[Asked, Original], Awaitable[Answer]]
"""A gateway with a fault: it answers a request with the help of the correct mock."""


class Faulty:
    """The mock with a fault, as an ASGI 3 app."""

    def __init__(self, app: App, catalog: Catalog, fault: Fault) -> None:
        self._original = Original(app, catalog)
        self._fault = fault
        self.close = app.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        body = await read_body(receive) or b""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = await self._fault(Asked(scope["method"], scope["path"], headers, body), self._original)
        sent = {**answer.headers, "content-length": str(len(answer.body))}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _with(headers: Mapping[str, str], name: str, value: str | None) -> dict[str, str]:
    rest = {known: kept for known, kept in headers.items() if known != name}
    return rest if value is None else {**rest, name: value}


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
