"""The correct mock as a fault sees it, a function from a request to its answer; and the ASGI app around a fault.

A fault never reaches into the mock. It may change what the mock is asked, what it answers, or answer in its place.
"""

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias
from unittest.mock import patch

from PIL import Image

from segforge.spec.catalog import Catalog, Model
from segforge_mock.app import App
from segforge_mock.gateway.routing import Match, Router
from segforge_mock.http.request import Message, Receive, Scope, Send, read_body
from segforge_mock.media import image as pictures
from segforge_mock.media.image import Picture

KEY = "SG_0123456789abcdef"
KEY_HEADER = "x-api-key"


class Asked(NamedTuple):
    """A request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        return _parsed(self.body)

    @property
    def key(self) -> str:
        """The key that it carries, or ""."""
        return self.headers.get(KEY_HEADER, "")

    def with_header(self, name: str, value: str | None) -> "Asked":
        """The same request with a header set, or without it."""
        return self._replace(headers=_with(self.headers, name, value))

    def with_json(self, data: object) -> "Asked":
        """The same request with another body."""
        return self._replace(body=json.dumps(data).encode())


class Answer(NamedTuple):
    """An answer; header names in lower case. Its Content-Length is worked out when it is sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        return _parsed(self.body) if self.headers.get("content-type") == "application/json" else None

    @property
    def is_picture(self) -> bool:
        """Whether it holds a picture's bytes."""
        return self.headers.get("content-type", "").startswith("image/")

    def with_header(self, name: str, value: str | None) -> "Answer":
        """The same answer with a header set, or without it."""
        return self._replace(headers=_with(self.headers, name, value))

    def with_json(self, data: object) -> "Answer":
        """The same answer with another JSON body."""
        return self.with_header("content-type", "application/json")._replace(body=json.dumps(data).encode())


def refusal(status: int, error: str = "Invalid parameters") -> Answer:
    """A refusal of the gateway's form."""
    return Answer(status, {}, b"").with_json({"error": error})


class Original:
    """The correct mock, to be asked."""

    def __init__(self, app: App, catalog: Catalog) -> None:
        self._app = app
        self._match = Router(catalog.gateway.routes).match
        self._models = {model.slug: model for model in catalog.models}

    async def __call__(self, asked: Asked) -> Answer:
        """The correct answer."""
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
        """The route that a path leads to, with "" as its name where there is none."""
        return self._match(asked.path) or Match("", "", "")

    def call(self, asked: Asked) -> tuple[Model, dict[str, Any]] | None:
        """The model and the payload of a run or a submit, None of anything else."""
        match = self.match(asked)
        model = self._models.get(match.value) if match.route in ("run", "submit") else None
        payload = asked.json if model is not None and asked.method == "POST" else None
        return (model, payload) if model is not None and isinstance(payload, dict) else None

    def knows(self, asked: Asked) -> bool:
        """Whether a run or a submit names a model that there is."""
        return self.match(asked).value in self._models

    def elsewhere(self, asked: Asked) -> Asked:
        """The same call to a model that there is."""
        version = "v1" if self.match(asked).route == "run" else "v2"
        slug = next(slug for slug, model in self._models.items() if version in model.versions)
        return asked._replace(path=f"/{version}/{slug}")

    async def debit(self, asked: Asked, credits: float) -> None:
        """Take credits off the balance of the request's key."""
        await self._app.store.charge(self._app.tenants.get(asked.key.encode()).name, credits)


def plain_pictures() -> AbstractContextManager[object]:
    """Let the mock draw noise in a corner of one colour: as telling in every byte, in a tenth of the time."""

    def plain(picture: Picture) -> Image.Image:
        side, chance = min(picture.width, picture.height, 64), random.Random(picture.pattern)
        image = Image.new("RGB", (picture.width, picture.height), f"#{chance.randrange(2**24):06x}")
        image.paste(Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side)))
        return image

    return patch.object(pictures, "_draw", plain)


Fault: TypeAlias = Callable[[Asked, Original], Awaitable[Answer]]
"""A gateway with a fault: it answers a request with the help of the correct one."""


class Faulty:
    """The mock behind a fault, as an ASGI 3 application."""

    def __init__(self, app: App, catalog: Catalog, fault: Fault) -> None:
        self._original = Original(app, catalog)
        self._fault = fault
        self.close = app.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await read_body(scope, receive) or b""
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
