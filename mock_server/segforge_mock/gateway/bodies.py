"""Reads request bodies under a profile, and caches the results for the newest bodies."""

from functools import lru_cache
from typing import Final

import msgspec

from segforge.spec.catalog import Gateway, Version
from segforge.spec.values import Violation
from segforge_mock.gateway.forms import read_form
from segforge_mock.http.answers import Answer, case_answer, hinted, json_answer
from segforge_mock.http.counts import MAX_OUTPUTS, parts_refusal, too_many, values_refusal
from segforge_mock.http.request import MAX_BODY_BYTES, IncomingRequest
from segforge_mock.media.asked import number_of
from segforge_mock.models.reading import Malformed, Payload, ServedModel

REMEMBERED: Final = 1_000
REMEMBERED_BYTES: Final = 4 * 2**10


class ReadBody(msgspec.Struct, frozen=True):
    """The result of reading a body: a payload, a refusal, or the error of a job that is accepted and then fails."""

    payload: bytes = b"{}"
    refusal: Answer | None = None
    error: str | None = None


def size_refusal(request: IncomingRequest) -> Answer | None:
    """Returns 413 for a body of more than MAX_BODY_BYTES, else None."""
    if not request.is_too_large:
        return None
    return json_answer(413, {"error": f"The body is larger than the limit of {MAX_BODY_BYTES} bytes"})


def encoding_refusal(request: IncomingRequest) -> Answer | None:
    """Returns 415 for a compressed body, else None. No source says that the gateway decompresses bodies."""
    encoding = request.header(b"content-encoding")
    if not request.body or encoding.strip().lower() in ("", "identity"):
        return None
    error = f"Unsupported Content-Encoding {encoding[:100]!r}; send the body uncompressed"
    answer = hinted(
        json_answer(415, {"error": error}),
        f"send the body uncompressed and without the header content-encoding: {encoding[:100]}; "
        "no page documents that the gateway decompresses bodies",
    )
    answer.headers.append((b"accept-encoding", b"identity"))
    return answer


class Reader:
    """Reads the bodies of runs and submits."""

    def __init__(self, gateway: Gateway) -> None:
        self._cases = gateway.cases
        self._profiles = {profile.name: profile for profile in gateway.profiles}
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._read_json)

    def read(self, served: ServedModel, version: Version, profile: str, request: IncomingRequest) -> ReadBody:
        """Reads a body under the profile of that name. Its media type must be one that the gateway accepts."""
        body = request.body
        if request.media_type != "application/json":
            refusal = parts_refusal(request.header(b"content-type"), body)
            if refusal is not None:
                return ReadBody(refusal=refusal)
            data = read_form(served.model, request.header(b"content-type"), body)
            cast, formats = self._leniency(profile)
            found = data if isinstance(data, Malformed) else served.read_data(data, cast=cast, formats=formats)
            return self._judge(served, found, version, profile)
        if len(body) > REMEMBERED_BYTES:
            refusal = values_refusal(body)
            return ReadBody(refusal=refusal) if refusal else self._read_json(served, version, profile, body)
        reading = self._remembered(served, version, profile, body)
        if reading.refusal is not None:  # the caller appends to its headers, and the cache keeps it
            refusal = reading.refusal
            return ReadBody(refusal=Answer(refusal.status, refusal.headers.copy(), refusal.body))
        return reading

    def _leniency(self, profile: str) -> tuple[bool, bool]:
        known = self._profiles[profile]
        return known.numeric_strings == "cast", known.formats == "checked"

    def _read_json(self, served: ServedModel, version: Version, profile: str, body: bytes) -> ReadBody:
        cast, formats = self._leniency(profile)
        return self._judge(served, served.read(body, cast=cast, formats=formats), version, profile)

    def _judge(
        self, served: ServedModel, found: Payload | Malformed | list[Violation], version: Version, profile: str
    ) -> ReadBody:
        if isinstance(found, Payload):
            name = served.open_count
            if name is not None and number_of(served.values(found.body), name, 1) > MAX_OUTPUTS:
                return ReadBody(refusal=too_many(f"outputs ({name})", MAX_OUTPUTS))
            return ReadBody(payload=found.body)
        if isinstance(found, Malformed):
            return ReadBody(refusal=case_answer(self._cases, "body.malformed", {"reason": found.reason}))
        text = "; ".join(f"{violation.parameter}: {violation.message} ({violation.rule})" for violation in found)
        case = self._profiles[profile].cases(version, found[0].rule)[0]
        if case == "job.failed":
            return ReadBody(error=text)
        return ReadBody(refusal=case_answer(self._cases, case, {"violations": text}, violations=found))
