"""Checks of the behaviour of a client, one for each row of the table, against a test gateway.

`__main__` runs this module in a process that can import one of the clients. It prints the results as JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.client_comparison.peers import MAKINGS, Peer
from tests.client.conftest import KEY, Answer, Gateway, json_answer, stand_in
from tests.seeds import seed_catalog

SLUG: Final = "flux-img2img"
PARAMS: Final = seed_catalog().model(SLUG).valid_example
JPEG: Final = Answer(200, b"\xff\xd8\xff an image", {"Content-Type": "image/jpeg"})
RUN: Final = f"/v1/{SLUG}"
STATUS: Final = "/v2/requests/r1/status"
RESULT: Final = "/v2/requests/r1"
METRICS: Final = {"cost": 0.05, "inference_time": 1.0}

Check = Callable[[Peer, Gateway], bool]


def _posts(gateway: Gateway) -> list[Any]:
    return [request.json for request in gateway.received if request.method == "POST"]


def _failure(call: Callable[[], object]) -> Exception | None:
    """Returns the error that a call raises, or None."""
    try:
        call()
    except Exception as error:
        return error
    return None


def image(peer: Peer, gateway: Gateway) -> bool:
    """A v1 call returns the exact bytes of the image."""
    gateway.on("POST", RUN, JPEG)
    return peer.content(peer.run(SLUG, PARAMS)) == JPEG.content


def open_enum(peer: Peer, gateway: Gateway) -> bool:
    """A value of an open set that the docs do not list is sent."""
    gateway.on("POST", RUN, JPEG)
    peer.run(SLUG, {**PARAMS, "sampler_name": "new_sampler"})
    return bool(_posts(gateway)[0]["sampler_name"] == "new_sampler")


def range_checked(peer: Peer, gateway: Gateway) -> bool:
    """A number out of range is rejected before anything is sent."""
    gateway.on("POST", RUN, JPEG)
    return _failure(lambda: peer.run(SLUG, {**PARAMS, "steps": 99})) is not None and not gateway.received


def exact_body(peer: Peer, gateway: Gateway) -> bool:
    """Null is sent as null, and omitted parameters are not sent."""
    gateway.on("POST", "/v1/style-transfer", JPEG)
    given = ({"style_image": "https://host.test/a.png"}, {"style_image": "https://host.test/a.png", "seed": None})
    for params in given:
        peer.run("style-transfer", params)
    return _posts(gateway) == list(given)


def one_call(peer: Peer, gateway: Gateway) -> bool:
    """One call submits a job, polls it and returns its result."""
    gateway.job(slug=SLUG)
    gateway.on("GET", STATUS, json_answer({"status": "QUEUED"}), json_answer({"status": "COMPLETED"}))
    record = {"status": "COMPLETED", "request_id": "r1", "output": "https://host.test/a.png", "metrics": METRICS}
    gateway.on("GET", RESULT, json_answer(record))
    return "a.png" in peer.text(peer.wait(SLUG, PARAMS))


def failed_job(peer: Peer, gateway: Gateway) -> bool:
    """A failed job and a bad request are distinct, and the job's reason is available."""
    gateway.on("POST", RUN, json_answer({"error": "steps is out of range"}, 400))
    gateway.on("GET", STATUS, json_answer({"status": "FAILED", "request_id": "r1", "error": "content blocked"}, 422))
    refused = _outcome(peer, lambda: peer.run(SLUG, PARAMS))
    failed = _outcome(peer, lambda: peer.state("r1"))
    return "content blocked" in failed[1] and refused[0] is not failed[0]


def _outcome(peer: Peer, call: Callable[[], object]) -> tuple[type, str]:
    """Returns the type and the text of the result or error of a call."""
    try:
        answer = call()
    except Exception as error:
        return type(error), f"{error} {error!r} {getattr(error, '__dict__', {})}"
    return type(answer), peer.text(answer)


def two_kinds_of_406(peer: Peer, gateway: Gateway) -> bool:
    """An empty balance (406) and a refused value (406) are distinct."""
    kinds = []
    for words in ("Insufficient credits: 0.01 left", "Invalid value: prompt"):
        gateway.on("POST", RUN, json_answer({"error": words}, 406))
        kinds.append(_outcome(peer, lambda: peer.run(SLUG, PARAMS))[0])
    return kinds[0] is not kinds[1]


def waits_for_the_limit(peer: Peer, gateway: Gateway) -> bool:
    """After 429, the call is sent again at the time in `x-rate-limit-reset-at-utc`."""
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
    """The key is sent to the configured origin only, despite redirects."""
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
    """No error contains the key, even if the gateway quotes it."""
    gateway.on("POST", RUN, json_answer({"error": f"no such key: {KEY}"}, 401))
    return KEY not in _outcome(peer, lambda: peer.run(SLUG, PARAMS))[1]


def new_field(peer: Peer, gateway: Gateway) -> bool:
    """A new field in a result is kept."""
    record = {"status": "COMPLETED", "request_id": "r1", "output": "o", "metrics": METRICS, "new_field": {"kept": 1}}
    gateway.on("GET", RESULT, json_answer(record))
    return "kept" in peer.text(peer.result("r1"))


def lost_field(peer: Peer, gateway: Gateway) -> bool:
    """A result without a documented field is returned."""
    gateway.on("GET", RESULT, json_answer({"status": "COMPLETED", "request_id": "r1", "output": "paid for"}))
    return "paid for" in peer.text(peer.result("r1"))


def new_state(peer: Peer, gateway: Gateway) -> bool:
    """An undocumented state of a job counts as pending."""
    gateway.on("GET", STATUS, json_answer({"status": "WARMING_UP", "request_id": "r1"}))
    return "WARMING_UP" in peer.text(peer.state("r1"))


def uploads(peer: Peer, gateway: Gateway) -> bool:
    """A file is uploaded in one call, which returns its URL."""
    url = "https://images.host.test/assets/a.png"
    gateway.on("POST", "/upload-asset", json_answer({"file_urls": [url]}))
    return peer.upload(b"\x89PNG\r\n\x1a\n an image") == url


def estimated(peer: Peer, gateway: Gateway) -> bool:
    """The cost of a call is estimated without a request."""
    return peer.estimate(SLUG, PARAMS) > 0 and not gateway.received


def limited(peer: Peer, gateway: Gateway) -> bool:
    """A call that may cost more than a limit is not sent, and one that fits is."""
    gateway.on("POST", RUN, JPEG)
    most = peer.estimate(SLUG, PARAMS)
    refused = _failure(lambda: peer.limited(SLUG, PARAMS, most * 0.9))
    unsent = not gateway.received
    return refused is not None and unsent and peer.content(peer.limited(SLUG, PARAMS, most)) == JPEG.content


def resumed_batch(peer: Peer, gateway: Gateway) -> bool:
    """A batch whose process is killed is resumed by the same call, which submits no job again."""
    calls = [{**PARAMS, "seed": seed} for seed in (1, 2)]
    names = ("r1", "r2")
    gateway.on("POST", f"/v2/{SLUG}", *(json_answer({"request_id": name, "status": "QUEUED"}) for name in names))
    for name in names:
        gateway.on("GET", f"/v2/requests/{name}/status", json_answer({"status": "QUEUED", "request_id": name}))
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "batch.jsonl"
        _killed(peer, gateway, calls, journal)
        for name in names:
            record = {"status": "COMPLETED", "request_id": name, "output": f"output of {name}", "metrics": METRICS}
            gateway.on("GET", f"/v2/requests/{name}/status", json_answer(record))
            gateway.on("GET", f"/v2/requests/{name}", json_answer(record))
        found = [peer.text(result) for result in peer.batch(SLUG, calls, journal)]
    return len(_posts(gateway)) == 2 and all(f"output of {name}" in "".join(found) for name in names)


def _killed(peer: Peer, gateway: Gateway, calls: list[Any], journal: Path) -> None:
    """Runs a batch in another process, and kills that once both jobs are polled."""
    kind = type(peer)
    code = (
        f"from pathlib import Path; from {kind.__module__} import {kind.__name__}; "
        f"{kind.__name__}({gateway.url!r}, {KEY!r}).batch({SLUG!r}, {calls!r}, Path({str(journal)!r}))"
    )
    end = time.monotonic() + 60
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if (
                len({request.path for request in gateway.received if request.method == "GET"}) == 2
                or time.monotonic() > end
            ):
                process.kill()
            time.sleep(0.01)


def one_chat(peer: Peer, gateway: Gateway) -> bool:
    """Messages of one form get the text of models with different dialects."""
    of_openai = {"choices": [{"message": {"role": "assistant", "content": "Jupiter"}, "finish_reason": "stop"}]}
    of_anthropic = {"content": [{"type": "text", "text": "Jupiter"}], "stop_reason": "end_turn"}
    gateway.on("POST", "/v1/gpt-4o", json_answer(of_openai))
    gateway.on("POST", "/v1/claude-4-sonnet", json_answer(of_anthropic))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which planet is the largest?"}]
    said = [peer.chat(slug, messages) for slug in ("gpt-4o", "claude-4-sonnet")]
    first, second = _posts(gateway)
    return said == ["Jupiter", "Jupiter"] and first["messages"] == messages and second["instruction"] == "Be brief."


CHECKS: Final[dict[str, Check]] = {
    "a v1 call returns the exact bytes of the image": image,
    "a value of an open set that the docs do not list is sent": open_enum,
    "a number out of range is rejected before anything is sent": range_checked,
    "null is sent as null, and omitted parameters are not sent": exact_body,
    "one call submits a job, polls it and returns its result": one_call,
    "a failed job and a bad request are distinct, and the job's reason is available": failed_job,
    "406 for an empty balance and 406 for a refused value are distinct": two_kinds_of_406,
    "after 429 the call waits until the time that the gateway states": waits_for_the_limit,
    "a POST whose outcome is unknown is not sent again": never_twice,
    "the key is sent to the configured origin only, despite redirects": key_stays,
    "the key is not in the repr of the client": key_not_in_repr,
    "no error contains the key, even if the gateway quotes it": key_not_in_errors,
    "a new field in a result is kept": new_field,
    "a result without a documented field is returned": lost_field,
    "an undocumented state of a job counts as pending": new_state,
    "a file is uploaded in one call, which returns its URL": uploads,
    "the cost of a call is estimated without a request": estimated,
    "a call that may cost more than a limit is not sent": limited,
    "a batch whose process is killed is resumed, and no job is submitted twice": resumed_batch,
    "messages of one form suit chat models with different dialects": one_chat,
}
"""The rows of the table, and their checks."""


@contextmanager
def _asked(name: str) -> Iterator[tuple[Peer, Gateway]]:
    """Yields a client and its own test gateway."""
    with stand_in() as gateway:
        yield MAKINGS[name].peer(gateway.url, KEY), gateway


def main(name: str) -> None:
    """Prints the results of all checks as JSON, and the reason of each "no" on standard error."""
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
