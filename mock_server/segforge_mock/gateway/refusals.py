"""Refusals that more than one route uses, made from the status cases of `specs/gateway.yaml`."""

import time
from collections.abc import Mapping, Sequence

from segforge.spec.catalog import Gateway
from segforge_mock.gateway.routing import Match
from segforge_mock.http.answers import Answer, case_answer
from segforge_mock.http.request import IncomingRequest


class Refusals:
    """Makes refusals."""

    def __init__(self, gateway: Gateway) -> None:
        self._cases = gateway.cases

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

    def key(self, request: IncomingRequest, key: bytes) -> Answer:
        """Returns 401 for a request without a key or with an unknown one. `key` is empty if it has none."""
        return self.case("auth.invalid" if key or b"authorization" in request.headers else "auth.missing")

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
