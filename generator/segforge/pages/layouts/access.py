"""Reads from a page's code samples how requests authenticate and how their bodies are encoded."""

import re
from typing import Final

from segforge.pages.page import CERTAIN, Fact
from segforge.pages.source.document import Document

_BEARER: Final = re.compile(r"\bAuthorization\W{1,8}(?:f[\"'])?Bearer\b", re.IGNORECASE)
_API_KEY: Final = re.compile(r"\bx-api-key\b", re.IGNORECASE)
_MULTIPART: Final = re.compile(
    r"\bmultipart/form-data\b|\bfiles ?= ?files\b|\bnew FormData\(|\bFormData\(\)|(?<!\S)(?:-F|--form) [\"']"
)
_JSON: Final = re.compile(
    r"\bapplication/json\b|\bjson ?= ?\w|\bJSON\.stringify\(|\b(?:segmind|client)\.(?:run|chat|submit\w*)\(|\bjson=\{"
)
_AXIOS: Final = re.compile(r"\baxios\.post\(")


def access_facts(document: Document, start: int, end: int) -> dict[str, Fact]:
    """Returns `auth`, the schemes beside the API key, and `encodings` of request bodies, as far as samples show them.

    A page without such a sample states neither.
    """
    facts: dict[str, Fact] = {}
    text = document.text
    bearer, key = (pattern.search(text, start, end) for pattern in (_BEARER, _API_KEY))
    if bearer or key:
        place = document.span(*(bearer or key or re.match("", "")).span())  # type: ignore[union-attr]
        facts["auth"] = Fact(["bearer"] if bearer else [], place, CERTAIN, "the headers of a sample")
    multipart = _MULTIPART.search(text, start, end)
    json = _JSON.search(text, start, end) or (None if multipart else _AXIOS.search(text, start, end))
    if found := json or multipart:
        encodings = [name for name, one in (("json", json), ("multipart", multipart)) if one is not None]
        facts["encodings"] = Fact(encodings, document.span(*found.span()), CERTAIN, "the call in a sample")
    return facts
