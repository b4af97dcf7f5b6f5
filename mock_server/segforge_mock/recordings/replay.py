"""Replays recordings: finds the recording of a request, and returns its answers in their order."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, NamedTuple
from urllib.parse import quote

from segforge.spec.printable import one_line
from segforge_mock.http.answers import Answer, RawHeaders, json_answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.recordings.bodies import (
    differing,
    fingerprint,
    is_json,
    is_text,
    masked,
    masked_fingerprint,
    parts_fingerprint,
    request_id_of,
    sha256,
)
from segforge_mock.recordings.incoming import plain_body, request_line
from segforge_mock.recordings.links import PREFIX, Links, mirrored
from segforge_mock.recordings.masking import Masking, credentials, unmasked
from segforge_mock.recordings.recording import BadRecording, Recording, StoredBody
from segforge_mock.tenants.keys import Keys

NAME_HEADER: Final = b"x-mock-recording"
MAX_PLACES: Final = 200_000
"""Places in sequences that are remembered for all tenants. The tenants that were idle longest are forgotten first."""


class Address(NamedTuple):
    """What a request must have in common with a recording. `body` is a fingerprint."""

    method: str
    path: str
    query: str
    body: str


class Track(NamedTuple):
    """A sequence of answers: those to an address, of a kind of key, and to bodies of these bytes (None: of any)."""

    address: Address
    key: str
    exact: str | None


class Replay:
    """Answers requests from recordings. Each tenant has its own place in each sequence of answers.

    `bases` are names of the gateway in answers. `keys` decides which keys are accepted. If it accepts any, a key
    receives the recorded 401 only if no other answer was recorded. A `strict` replay refuses a request that was not
    recorded.
    """

    def __init__(
        self,
        recordings: Iterable[Recording],
        *,
        bases: Iterable[str] = (),
        keys: Keys,
        strict: bool = False,
    ) -> None:
        self._strict = strict
        self._keys = keys
        self._bases = tuple(bases)
        self._links: dict[str, Links] = {}
        self._tracks: defaultdict[Track, list[Recording]] = defaultdict(list)
        self._recordings = tuple(recordings)
        self._polls: defaultdict[str, set[Address]] = defaultdict(set)
        self._jobs: dict[str, str] = {}
        self._places: OrderedDict[str, dict[Track, int]] = OrderedDict()
        self._remembered = 0
        for recording in self._recordings:
            self._add(recording)

    def _add(self, recording: Recording) -> None:
        request = recording.request
        body, exact = _identity(request.header("content-type"), request.body)
        path, _, query = mirrored(recording.url).partition("?")
        for address in (
            Address(request.method, request.path, request.query, body),
            Address(request.method, path, query, body),
        ):
            self._tracks[Track(address, recording.key, None)].append(recording)
            if exact:
                self._tracks[Track(address, recording.key, exact)].append(recording)
            for part in address.path.split("/"):
                self._polls[part].add(address)
        answer = recording.answer
        if request.method == "POST" and answer.status < 300 and answer.body.file is None:
            request_id = request_id_of(answer.body.data)
            if request_id:
                self._jobs[recording.name] = request_id

    def forget(self, tenant: str) -> None:
        """Lets a tenant start again at the first answers."""
        self._remembered -= len(self._places.pop(tenant, ()))

    def answer(self, request: IncomingRequest, tenant: str, origin: str) -> Answer | None:
        """Returns the next recorded answer to a request. Without one returns None, or if strict a refusal."""
        masking = Masking(credentials(request.raw_headers).key)
        address, exact = _address(request, masking)
        track = self._track(address, exact, masking.key)
        if track is None:
            return self._refusal(request, address, masking) if self._strict else None
        recording = self._next(track, tenant)
        try:
            return self._answered(recording, request, masking.key, origin)
        except (OSError, BadRecording) as error:
            reason = one_line(f"the recording {recording.name} can't be replayed: {error}")
            return json_answer(500, {"error": reason})

    def _track(self, address: Address, exact: str, key: bytes) -> Track | None:
        if address.path.startswith(PREFIX):
            kinds: tuple[str, ...] = ("missing", "accepted", "refused")
        elif not key:
            kinds = ("missing",)
        elif not self._keys.accept(key):
            kinds = ("refused",)
        else:
            kinds = ("accepted", "refused") if self._keys.accepts_any else ("accepted",)
        tracks = (Track(address, kind, bytes_) for kind in kinds for bytes_ in (exact, None))
        return next((track for track in tracks if track in self._tracks), None)

    def _next(self, track: Track, tenant: str) -> Recording:
        """Returns the next recording of a sequence, and at its end the last one again."""
        places = self._places.setdefault(tenant, {})
        self._places.move_to_end(tenant)
        place, found = places.get(track, 0), None
        self._remembered += track not in places
        places[track] = place + 1
        for recording in self._tracks[track]:
            found = recording
            place -= recording.times
            if place < 0:
                break
        assert found is not None  # noqa: S101 - a track has a recording
        if found.name in self._jobs:  # the job starts again
            polls = self._polls.get(self._jobs[found.name], set())
            for other in [other for other in places if other.address in polls]:
                del places[other]
                self._remembered -= 1
        while self._remembered > MAX_PLACES and len(self._places) > 1:
            self._remembered -= len(self._places.popitem(last=False)[1])
        return found

    def _answered(self, recording: Recording, request: IncomingRequest, key: bytes, origin: str) -> Answer:
        answer = recording.answer
        body = answer.body.read()
        content_type = answer.header("content-type")
        links = self._links.get(recording.gateway)
        if links is None:
            links = self._links[recording.gateway] = Links(recording.gateway, self._bases)
        if is_text(content_type, body):
            body = unmasked(body, key)
        if is_json(content_type) and not request.path.startswith(PREFIX):
            body = links.localised(body, request.body, origin)
        headers: RawHeaders = []
        for name, values in answer.headers.items():
            if name in ("content-length", "transfer-encoding", "connection"):
                continue
            for value in values:
                raw = unmasked(value.encode("latin-1"), key)
                own = links.own_path(value) if name == "location" else None
                headers.append((name.encode(), raw if own is None else f"{origin}{own}".encode("latin-1")))
        headers.sort(key=lambda header: header[0] != b"content-type")
        length, name_header = (b"content-length", b"%d" % len(body)), (NAME_HEADER, quote(recording.name).encode())
        return Answer(answer.status, [*headers[:1], length, *headers[1:], name_header], body)

    def _refusal(self, request: IncomingRequest, address: Address, masking: Masking) -> Answer:
        """Returns 404 with the request and the recording that comes nearest."""
        shown = f"{address.method} {address.path}{'?' if address.query else ''}{address.query}"
        answer = json_answer(404, {"error": f"No recording of {shown}; {self._nearest(request, address, masking)}"})
        answer.headers.append((NAME_HEADER, b"none"))
        return answer

    def _nearest(self, request: IncomingRequest, address: Address, masking: Masking) -> str:
        here = [one for one in self._recordings if one.request.path == address.path]
        same = [one for one in here if one.request.method == address.method]
        if same:
            data = masked(request.header(b"content-type"), plain_body(request), masking)
            ranked = sorted(
                (len(why), number, why) for number, one in enumerate(same) if (why := _why(one, address, data))
            )
            best = ranked[0] if ranked else None
            if best is not None:
                return f"the nearest is {same[best[1]].name}.yaml, which differs in {', '.join(best[2][:5])}"
            kinds = " and ".join(dict.fromkeys(one.key for one in same))
            return f"{same[0].name}.yaml was recorded with another key ({kinds}); pass the accepted key by --api-key"
        if here:
            return f"the nearest is {here[0].name}.yaml, whose method is {here[0].request.method}"
        paths = {one.request.path: one for one in self._recordings[:2_000]}
        near = get_close_matches(address.path[:500], paths, 1, 0.3)
        if near:
            return f"the nearest is {paths[near[0]].name}.yaml, of {near[0]}"
        return "record it with segforge mock --upstream URL --record, or replay without --strict-replay"


def _why(recording: Recording, address: Address, data: bytes) -> list[str]:
    """Returns the names of what differs between a recording and a request of the same method and path."""
    request = recording.request
    why = ["the query"] if request.query != address.query else []
    body, _ = _identity(request.header("content-type"), request.body)
    if body != address.body:
        why += differing(request.body.data, data) or ["the body"]
    return why


def _address(request: IncomingRequest, masking: Masking) -> tuple[Address, str]:
    """Returns the address of a request, and the hash of its bytes."""
    path, query = (masking.text(text.encode()).decode() for text in request_line(request))
    content_type, data = request.header(b"content-type"), plain_body(request)
    body = masked_fingerprint(content_type, data, masking)
    exact = sha256(masked(content_type, data, masking))
    return Address(request.method, path, query, body), exact


def _identity(content_type: str, body: StoredBody) -> tuple[str, str]:
    """Returns the fingerprint of a recorded body, and the hash of its bytes, `""` if these are not known."""
    if body.omitted:
        return body.omitted, ""
    if body.parts:
        return parts_fingerprint([(part.name, part.filename, part.sha256) for part in body.parts]), ""
    data = body.read()
    return fingerprint(content_type, data), sha256(data)
