"""What a client of this gateway should do: a question a row, answered by asking the client, against a stand-in gateway.

Run by `__main__` in a process that finds one of the clients: prints the answers as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.client_comparison.peers import MAKINGS, Peer
from segforge.spec.load import default_specs, load_catalog
from tests.client.conftest import KEY, Answer, Gateway, json_answer, stand_in

SLUG: Final = "flux-img2img"
PARAMS: Final = load_catalog(default_specs()).model(SLUG).valid_example
JPEG: Final = Answer(200, b"\xff\xd8\xff a picture", {"Content-Type": "image/jpeg"})
RUN: Final = f"/v1/{SLUG}"
STATUS: Final = "/v2/requests/r1/status"
RESULT: Final = "/v2/requests/r1"
METRICS: Final = {"cost": 0.05, "inference_time": 1.0}

Check = Callable[[Peer, Gateway], bool]


def _posts(gateway: Gateway) -> list[Any]:
    return [request.json for request in gateway.received if request.method == "POST"]


def _failure(call: Callable[[], object]) -> Exception | None:
    """What a call raises; None where it raises nothing."""
    try:
        call()
    except Exception as error:
        return error
    return None


def picture(peer: Peer, gateway: Gateway) -> bool:
    """The picture of a v1 call comes as the bytes that the gateway sent."""
    gateway.on("POST", RUN, JPEG)
    return peer.content(peer.run(SLUG, PARAMS)) == JPEG.content


def open_enum(peer: Peer, gateway: Gateway) -> bool:
    """A value of an open set that the docs do not show is sent."""
    gateway.on("POST", RUN, JPEG)
    peer.run(SLUG, {**PARAMS, "sampler_name": "new_sampler"})
    return bool(_posts(gateway)[0]["sampler_name"] == "new_sampler")


def range_checked(peer: Peer, gateway: Gateway) -> bool:
    """A number out of its range is refused before anything is sent."""
    gateway.on("POST", RUN, JPEG)
    return _failure(lambda: peer.run(SLUG, {**PARAMS, "steps": 99})) is not None and not gateway.received


def exact_body(peer: Peer, gateway: Gateway) -> bool:
    """What is given is sent, null as null; what is not given is not sent."""
    gateway.on("POST", "/v1/style-transfer", JPEG)
    given = ({"style_image": "https://host.test/a.png"}, {"style_image": "https://host.test/a.png", "seed": None})
    for params in given:
        peer.run("style-transfer", params)
    return _posts(gateway) == list(given)


def one_call(peer: Peer, gateway: Gateway) -> bool:
    """One call submits a job, polls it and gives its result."""
    gateway.job(slug=SLUG)
    gateway.on("GET", STATUS, json_answer({"status": "QUEUED"}), json_answer({"status": "COMPLETED"}))
    record = {"status": "COMPLETED", "request_id": "r1", "output": "https://host.test/a.png", "metrics": METRICS}
    gateway.on("GET", RESULT, json_answer(record))
    return "a.png" in peer.text(peer.wait(SLUG, PARAMS))


def failed_job(peer: Peer, gateway: Gateway) -> bool:
    """A failed job is told apart from a bad request, with its reason."""
    gateway.on("POST", RUN, json_answer({"error": "steps is out of range"}, 400))
    gateway.on("GET", STATUS, json_answer({"status": "FAILED", "request_id": "r1", "error": "content blocked"}, 422))
    refused = _outcome(peer, lambda: peer.run(SLUG, PARAMS))
    failed = _outcome(peer, lambda: peer.state("r1"))
    return "content blocked" in failed[1] and refused[0] is not failed[0]


def _outcome(peer: Peer, call: Callable[[], object]) -> tuple[type, str]:
    """The type and the text of what a call gives or raises."""
    try:
        answer = call()
    except Exception as error:
        return type(error), f"{error} {error!r} {getattr(error, '__dict__', {})}"
    return type(answer), peer.text(answer)


def two_kinds_of_406(peer: Peer, gateway: Gateway) -> bool:
    """An empty balance (406) is told apart from a refused value (406)."""
    kinds = []
    for words in ("Insufficient credits: 0.01 left", "Invalid value: prompt"):
        gateway.on("POST", RUN, json_answer({"error": words}, 406))
        kinds.append(_outcome(peer, lambda: peer.run(SLUG, PARAMS))[0])
    return kinds[0] is not kinds[1]


def waits_for_the_limit(peer: Peer, gateway: Gateway) -> bool:
    """After 429, the call is sent again at the time that `x-rate-limit-reset-at-utc` names."""
    reset = datetime.now(UTC) + timedelta(seconds=1.5)
    headers = {"x-rate-limit-reset-at-utc": reset.isoformat()}
    gateway.on("POST", RUN, json_answer({"error": "too many requests"}, 429, headers), JPEG)
    content = peer.content(peer.run(SLUG, PARAMS))
    return content == JPEG.content and datetime.now(UTC) >= reset


def never_twice(peer: Peer, gateway: Gateway) -> bool:
    """A POST whose outcome is unknown (cut answer, 500, 502, 504) is not sent again."""
    unknown = (Answer(200, b"x" * 99, {"Content-Type": "image/jpeg"}, cut=9), *(Answer(n) for n in (500, 502, 504)))
    for count, answer in enumerate(unknown, 1):
        gateway.on("POST", RUN, answer)
        _failure(lambda: peer.run(SLUG, PARAMS))
        if len(gateway.received) != count:
            return False
    return True


def key_stays(peer: Peer, gateway: Gateway) -> bool:
    """The key goes to the configured origin only, wherever the gateway redirects."""
    with stand_in() as foreign:
        for status in (302, 307):
            gateway.on("POST", RUN, Answer(status, b"", {"Location": f"{foreign.url}/a"}))
            gateway.on("GET", STATUS, Answer(status, b"", {"Location": f"{foreign.url}/b"}))
            for path in ("/a", "/b"):
                foreign.on("GET", path, json_answer({}))
                foreign.on("POST", path, json_answer({}))
            _failure(lambda: peer.run(SLUG, PARAMS))
            _failure(lambda: peer.state("r1"))
        return bool(gateway.received) and not any(KEY in str(request) for request in foreign.received)


def key_not_in_repr(peer: Peer, _: Gateway) -> bool:
    """The key is not in the repr of the client."""
    return KEY not in repr(peer.client)


def key_not_in_errors(peer: Peer, gateway: Gateway) -> bool:
    """The key is in no error, even if the gateway quotes it."""
    gateway.on("POST", RUN, json_answer({"error": f"no such key: {KEY}"}, 401))
    return KEY not in _outcome(peer, lambda: peer.run(SLUG, PARAMS))[1]


def new_field(peer: Peer, gateway: Gateway) -> bool:
    """A field that is new in a result is kept."""
    record = {"status": "COMPLETED", "request_id": "r1", "output": "o", "metrics": METRICS, "new_field": {"kept": 1}}
    gateway.on("GET", RESULT, json_answer(record))
    return "kept" in peer.text(peer.result("r1"))


def lost_field(peer: Peer, gateway: Gateway) -> bool:
    """A result that lacks a documented field is given all the same."""
    gateway.on("GET", RESULT, json_answer({"status": "COMPLETED", "request_id": "r1", "output": "paid for"}))
    return "paid for" in peer.text(peer.result("r1"))


def new_state(peer: Peer, gateway: Gateway) -> bool:
    """A state that the docs do not name is still pending."""
    gateway.on("GET", STATUS, json_answer({"status": "WARMING_UP", "request_id": "r1"}))
    return "WARMING_UP" in peer.text(peer.state("r1"))


CHECKS: Final[dict[str, Check]] = {
    "the picture of a v1 call comes as the bytes that were sent": picture,
    "a value of an open set that the docs do not show is sent": open_enum,
    "a number out of its range is refused before anything is sent": range_checked,
    "null is sent as null, and what is not given is not sent": exact_body,
    "one call submits a job, polls it and gives its result": one_call,
    "a failed job is told apart from a bad request, with its reason": failed_job,
    "406 for an empty balance is told apart from 406 for a refused value": two_kinds_of_406,
    "after 429 the call waits for the time that the gateway names": waits_for_the_limit,
    "a POST whose outcome is unknown is not sent again": never_twice,
    "the key goes to the configured origin only, whatever redirects": key_stays,
    "the key is not in the repr of the client": key_not_in_repr,
    "the key is in no error, even if the gateway quotes it": key_not_in_errors,
    "a field that is new in a result is kept": new_field,
    "a result that lacks a documented field is given all the same": lost_field,
    "a job in a state that the docs do not name is still pending": new_state,
}
"""Each row of the table, and what answers it."""


@contextmanager
def _asked(name: str) -> Iterator[tuple[Peer, Gateway]]:
    """A client on a stand-in of its own."""
    with stand_in() as gateway:
        yield MAKINGS[name].peer(gateway.url, KEY), gateway


def main(name: str) -> None:
    """Print what each check answers as JSON, and on standard error why an answer is no."""
    answers = {}
    for row, check in CHECKS.items():
        start = time.monotonic()
        try:
            with _asked(name) as (peer, gateway):
                answers[row] = check(peer, gateway)
            why = "" if answers[row] else "no"
        except Exception as error:
            answers[row], why = False, f"{type(error).__name__}: {error}"
        if why:
            print(f"{name}: {row}: {why[:200]!r} after {time.monotonic() - start:.1f} s", file=sys.stderr)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
