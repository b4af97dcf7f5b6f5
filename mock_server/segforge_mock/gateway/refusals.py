"""Refusals that more than one route uses, made from the status cases of `specs/gateway.yaml`."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Final

from segforge.spec.catalog import Gateway
from segforge_mock.gateway.routing import Match
from segforge_mock.http.answers import Answer, case_answer
from segforge_mock.http.request import IncomingRequest

MAX_ACCEPTED: Final = 10_000
MAX_ACCEPTED_BYTES: Final = 256


class Refusals:
    """Makes refusals, and decides whether a key is accepted. `keys` are the accepted keys (None: any valid key)."""

    def __init__(self, gateway: Gateway, keys: frozenset[str] | None) -> None:
        self._cases = gateway.cases
        self._keys = keys
        self._key_pattern = re.compile(gateway.auth.key_pattern)
        self._accepted: set[bytes] = set()

    def case(self, name: str, values: Mapping[str, object] | None = None) -> Answer:
        """Returns the answer of a status case, with its `{placeholders}` filled from `values`."""
        return case_answer(self._cases, name, values)

    def unknown_model(self, slug: str, near: Sequence[str]) -> Answer:
        """Returns 404 for an unknown slug. The `hint` in its body names the nearest slugs, and how to allow any."""
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        hint = f"{meant}`segforge directory search WORD` lists models; `segforge mock --any-model` serves any slug."
        return case_answer(self._cases, "model.unknown", {"slug": slug}, hint=hint)

    def error(self, name: str, default: str) -> str:
        """Returns the error text of a status case, or a default if the case has none."""
        _, case = self._cases[name]
        return str((case.body or {}).get("error", default))

    def key(self, request: IncomingRequest, key: bytes) -> Answer | None:
        """Returns 401 for a request without a key or with an unknown one, else None. `key` is empty if it has none."""
        if key in self._accepted:
            return None
        if not key and b"authorization" not in request.headers:
            return self.case("auth.missing")
        text = key.decode("latin-1")
        if not (text in self._keys if self._keys is not None else self._key_pattern.fullmatch(text)):
            return self.case("auth.invalid")
        if len(self._accepted) < MAX_ACCEPTED and len(key) <= MAX_ACCEPTED_BYTES:
            self._accepted.add(key)
        return None

    def rate_limited(self, now: float) -> Answer:
        """Returns 429 with the start of the next minute. Like the gateway's, it has no Retry-After."""
        answer = self.case("rate.limited")
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now // 60 + 1) * 60))
        answer.headers.append((b"x-rate-limit-reset-at-utc", reset.encode()))
        return answer

    def wrong_method(self, match: Match) -> Answer:
        """Returns 405 with the method that the route accepts."""
        answer = self.case("method.not_allowed")
        answer.headers.append((b"allow", match.method.encode()))
        return answer
