"""Refusals that more than one route uses, made from the status cases of `specs/gateway.yaml`."""

import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from segforge.spec.catalog import Gateway
from segforge.spec.search import meant
from segforge_mock.gateway.routing import Match
from segforge_mock.http.answers import Answer, case_answer, hinted
from segforge_mock.http.request import IncomingRequest
from segforge_mock.tenants.keys import Keys

_SCHEMES: Final = ("apikey", "basic", "bearer", "digest", "key", "token")
"""Schemes of Authorization that a hint may repeat. Any other word may be a key."""
_OTHER_HEADERS: Final = ("api-key", "apikey", "key", "segmind-api-key", "token", "x-api-token", "x-auth-token", "x-key")
_QUERY_NAMES: Final = ("api-key", "api_key", "apikey", "key", "token", "x-api-key")
"""Names of headers and of parameters in the query in which callers put a key by mistake."""


class Refusals:
    """Makes refusals. `keys` explains why a key is not accepted."""

    def __init__(self, gateway: Gateway, keys: Keys) -> None:
        self._cases = gateway.cases
        self._key_header = gateway.auth.header
        self._content_types = gateway.content_types
        self._keys = keys

    def case(self, name: str, values: Mapping[str, object] | None = None) -> Answer:
        """Returns the answer of a status case, with its `{placeholders}` filled from `values`."""
        return case_answer(self._cases, name, values)

    def unknown_model(self, slug: str, near: Sequence[str]) -> Answer:
        """Returns 404 for an unknown slug. The hint names the nearest slugs, and how to allow any."""
        found = meant(near, "no model has this slug.")
        hint = f"{found} `segforge directory search WORD` lists models; `segforge mock --any-model` serves any slug"
        return hinted(self.case("model.unknown", {"slug": slug}), hint)

    def unknown_route(self, path: str, hint: str) -> Answer:
        """Returns 404 for a path that leads to no route."""
        return hinted(self.case("route.unknown", {"path": path}), hint)

    def error(self, name: str, default: str) -> str:
        """Returns the error text of a status case, or a default if the case has none."""
        _, case = self._cases[name]
        return str((case.body or {}).get("error", default))

    def key(self, request: IncomingRequest, key: bytes) -> Answer:
        """Returns 401 for a request without a key or with an unknown one. `key` is empty if it has none.

        The hint says what the caller did, and never holds a part of a key.
        """
        if key:
            return hinted(self.case("auth.invalid"), self._keys.why_not(key))
        name = self._key_header
        authorization = request.headers.get(b"authorization")
        if authorization is not None:
            scheme = authorization.partition(b" ")[0].lower().decode("latin-1")
            found = f"{scheme.capitalize()} " if scheme in _SCHEMES else ""
            where = "only models whose page prints it take a key as Authorization: Bearer KEY"
            return hinted(
                self.case("auth.invalid"),
                f"the request has the header Authorization: {found}..., which isn't accepted here; {where}. "
                f"Send the header {name}: KEY",
            )
        return hinted(self.case("auth.missing"), f"{_elsewhere(request)}send the header {name}: KEY")

    def rate_limited(self, now: float) -> Answer:
        """Returns 429 with the start of the next minute. Like the gateway's, it has no Retry-After."""
        answer = self.case("rate.limited")
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now // 60 + 1) * 60))
        answer.headers.append((b"x-rate-limit-reset-at-utc", reset.encode()))
        return answer

    def wrong_method(self, match: Match) -> Answer:
        """Returns 405 with the method that the route accepts."""
        answer = hinted(self.case("method.not_allowed"), f"this path accepts only {match.method}")
        answer.headers.append((b"allow", match.method.encode()))
        return answer

    def content_type(self, request: IncomingRequest) -> Answer:
        """Returns 406 for a body of a type that the gateway doesn't accept."""
        found = request.header(b"content-type")[:100]
        what = f"found content-type: {found}" if found else "the request has no Content-Type"
        expected = " or ".join(self._content_types)
        return hinted(self.case("content_type.invalid"), f"{what}; send {expected}")


def _elsewhere(request: IncomingRequest) -> str:
    """Returns where a request without a key seems to have one, as the start of a sentence."""
    for name in _OTHER_HEADERS:
        if name.encode() in request.headers:
            return f"the request has the header {name}; "
    query = request.scope.get("query_string", b"")[:2_000].decode("latin-1")
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if name.lower() in _QUERY_NAMES:
            return f"the query has the parameter {name.lower()}; "
    return "the request has no key; "
