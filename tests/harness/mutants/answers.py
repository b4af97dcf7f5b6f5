"""Faults in answers: errors, headers, the key, images, billing."""

import io
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from PIL import Image

from segforge.spec.catalog import Model
from tests.harness.mutants.faults import Payload, answers, body, header, other_status, reads
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, STYLE, TUNED, Mutant
from tests.harness.mutants.original import Answer, Asked, Fault, Original

CREDITS = 0.05
"""The cost of a call, in credits."""


def _errors() -> Iterator[Mutant]:
    def made(name: str, does: str, fault: Fault) -> Mutant:
        return Mutant(f"error-{name}", does, "error.shape", lambda: fault)

    def text(_: Asked, answer: Answer) -> Answer:
        return answer._replace(headers={"content-type": "text/plain"}, body=str(answer.json).encode())

    def html_as_json(_: Asked, answer: Answer) -> Answer:
        return answer.with_json({"error": "Method Not Allowed"})

    yield made("plain-text", "sends errors as plain text", answers(text, status=400))
    yield made("empty", "sends an error without a message", body(lambda data: data.update(error=""), status=401))
    yield made("renamed", "renames error to message", body(lambda data: {"message": data["error"]}, status=400))
    yield made("nested", "nests an error in an object", body(lambda d: {"error": {"message": d["error"]}}, status=404))

    yield made("method-json", "answers 405 with JSON", answers(html_as_json, status=405))


def _keys() -> Iterator[Mutant]:
    def made(name: str, does: str, change: Callable[[Asked, Answer], Answer], *routes: str, status: int) -> Mutant:
        return Mutant(f"key-{name}", does, "key.not_echoed", lambda: answers(change, *routes, status=status))

    def in_error(asked: Asked, answer: Answer) -> Answer:
        return answer.with_json({"error": f"refused for {asked.key}"})

    def in_url(asked: Asked, answer: Answer) -> Answer:
        return answer.with_json({**answer.json, "trace": f"/traces?key={asked.key}"})

    yield made("in-error", "includes the key in an error", in_error, status=400)

    yield made(
        "in-header", "includes the key in a header", lambda a, b: b.with_header("x-account", a.key), "run", status=200
    )

    yield made("in-status", "includes the key in a URL of a job's status", in_url, "status", status=200)


def _headers() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault) -> Mutant:
        return Mutant(f"header-{name}", does, f"headers.{breaks}", lambda: fault)

    def later(_: Asked, answer: Answer) -> Answer:
        seed = answer.headers.get("x-seed-value")
        return answer if seed is None else answer.with_header("x-seed-value", str(int(seed) + 1))

    for name in ("x-request-id", "x-cost"):
        yield made(f"no-{name}", f"omits {name}", "present", header(name, None))
    yield made("cost-in-words", "states its cost in words", "typed", header("x-cost", "five cents"))
    yield made("cost-negative", "states a negative cost", "typed", header("x-cost", "-0.05"))

    yield made("seed-off", "states the requested seed plus 1", "seed", answers(later, "run"))
    yield made("seed-constant", "always states the same seed", "seed", header("x-seed-value", "42"))


def _drawn_again(change: Callable[[Model, Payload], Payload]) -> Fault:
    """Returns a fault that draws the image of another payload, and states the requested seed."""
    inner = reads(change, route="run")

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await inner(asked, original)
        call = original.call(asked)
        seed = call[1].get(call[0].returns.controls.seed or "") if call is not None else None
        return answer.with_header("x-seed-value", str(seed)) if "x-seed-value" in answer.headers and seed else answer

    return fault


def _seeded(payload: Payload) -> bool:
    return type(payload.get("seed")) is int


def _counted_seeds() -> Fault:
    seeds = count(1)
    return _drawn_again(lambda _, payload: {**payload, "seed": next(seeds)} if _seeded(payload) else payload)


def _recoded(kind: str) -> Callable[[Asked, Answer], Answer]:
    """Returns a change that encodes an image in another format, with the old Content-Type."""

    def change(_: Asked, answer: Answer) -> Answer:
        if not answer.is_image:
            return answer
        out = io.BytesIO()
        with Image.open(io.BytesIO(answer.body)) as image:
            image.convert("RGB").save(out, kind)
        return answer._replace(body=out.getvalue())

    return change


def _swapped(_: Model, payload: Payload) -> Payload:
    if {type(payload.get(name, 1024)) for name in ("width", "height")} != {int}:
        return payload
    return {**payload, "width": payload.get("height", 1024), "height": payload.get("width", 1024)}


def _unheeded(_: Model, payload: Payload) -> Payload:
    return {**payload, "height": 1024} if type(payload.get("height")) is int else payload


def _wider(_: Model, payload: Payload) -> Payload:
    width = payload.get("custom_width", 1024)
    return {**payload, "custom_width": width + 32} if isinstance(width, int) and width <= 1024 else payload


def _cut(_: Asked, answer: Answer) -> Answer:
    return answer._replace(body=answer.body[: len(answer.body) // 2]) if answer.is_image else answer


def _bytes() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault], model: str = ADAPTER) -> Mutant:
        return Mutant(f"bytes-{name}", does, f"bytes.{breaks}", make, model)

    def sent(change: Callable[[Asked, Answer], Answer]) -> Callable[[], Fault]:
        return lambda: answers(change, "run", status=200)

    def without(name: str) -> Callable[[], Fault]:
        return lambda: reads(lambda _, payload: {key: value for key, value in payload.items() if key != name})

    def imaged(change: Callable[[Answer], Answer]) -> Callable[[], Fault]:
        return sent(lambda _, answer: change(answer) if answer.is_image else answer)

    matches = "match_content_type"
    yield made("truncated", "sends half of an image", matches, sent(_cut))
    yield made("empty", "sends no bytes", matches, imaged(lambda answer: answer._replace(body=b"")))
    yield made("error-as-200", "sends an error as 200", matches, imaged(lambda a: a.with_json({"error": "failed"})))
    yield made(
        "content-type-fixed", "sends every image as image/png", matches,
        imaged(lambda answer: answer.with_header("content-type", "image/png")),
    )  # fmt: skip
    yield made("recoded", "sends a WebP image as another type", matches, sent(_recoded("WEBP")))
    yield made("format-ignored", "always sends JPEG", "match_format", without("image_format"))
    yield made("width-off", "makes images 32 pixels too wide", "match_size", lambda: reads(_wider), CONTROLNET)
    yield made("sides-swapped", "swaps width and height", "match_size", lambda: reads(_swapped), STYLE)
    yield made("height-ignored", "makes every image 1024 pixels high", "match_size", lambda: reads(_unheeded), STYLE)


def _seeds_and_counts() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(name, does, breaks, make)

    yield made("seed-unstable", "draws another image for the same seed", "seed", _counted_seeds)
    yield made(
        "seed-ignored", "draws the same image for every seed", "seed",
        lambda: _drawn_again(lambda _, payload: {**payload, "seed": 7} if _seeded(payload) else payload),
    )  # fmt: skip
    yield made(
        "count-ignored", "always makes one image", "bytes",
        lambda: reads(lambda _, payload: {**payload, "samples": 1} if payload.get("samples") in (2, 3, 4) else payload),
    )  # fmt: skip


def _base64() -> Iterator[Mutant]:
    def made(name: str, does: str, change: Callable[[str], str]) -> Mutant:
        def edit(data: dict[str, Any]) -> None:
            text = data["image"]
            data["image"] = [change(each) for each in text] if isinstance(text, list) else change(text)

        return Mutant(f"base64-{name}", does, "base64.holds_picture", lambda: body(edit, "run"))

    yield made("prefixed", "sends base64 as a data URL", lambda text: f"data:image/jpeg;base64,{text}")
    yield made("cut", "sends half of the base64", lambda text: text[: len(text) // 8 * 4])
    yield made("unpadded", "sends base64 without its last character", lambda text: text.rstrip("=")[:-1])

    yield Mutant(
        "base64-ignored", "sends bytes instead of base64", "base64.holds_picture",
        lambda: reads(lambda _, payload: {**payload, "base64": False} if payload.get("base64") is True else payload),
    )  # fmt: skip
    yield Mutant(
        "json-as-text", "sends text instead of JSON", "json.parses",
        lambda: answers(lambda _, answer: answer._replace(headers={**answer.headers, "content-type": "text/plain"},
                                                          body=b"done"), "run", status=200),
        TUNED,
    )  # fmt: skip


def _debits(credits: float, *routes: str, status: int) -> Fault:
    """Returns a fault that debits more credits than the answer states."""

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await original(asked)
        if original.match(asked).route in routes and answer.status == status:
            await original.debit(asked, credits)
        return answer

    return fault


async def _generous(asked: Asked, original: Original) -> Answer:
    answer = await original(asked)
    if answer.status != 406 or b"credits" not in answer.body:
        return answer
    await original.debit(asked, -CREDITS)
    return await original(asked)


def _record_cost(data: dict[str, Any]) -> None:
    data["metrics"]["cost"] = CREDITS


def _metrics_cost(data: dict[str, Any]) -> None:
    if "cost" in data.get("metrics", {}):
        data["metrics"]["cost"] = 0.01


def _money() -> Iterator[Mutant]:
    def made(name: str, does: str, fault: Fault, breaks: str = "money", profile: str = "documented") -> Mutant:
        return Mutant(f"money-{name}", does, breaks, lambda: fault, profile=profile)

    def older(_: Asked, answer: Answer) -> Answer:
        left = answer.headers.get("x-remaining-credits")
        return answer if left is None else answer.with_header("x-remaining-credits", str(float(left) + CREDITS))

    refusal, calls = "money.refusal_is_free", ("run", "submit")
    refused = answers(lambda _, answer: answer.with_header("x-cost", str(CREDITS)), *calls, status=400)
    yield made("refusal-names-a-cost", "states a cost in a refusal", refused, refusal)
    yield made("refusal-debited", "debits credits for a refusal", _debits(CREDITS, *calls, status=400), refusal)
    yield made(
        "unknown-model-debited", "debits credits for an unknown model", _debits(CREDITS, *calls, status=404), refusal
    )
    yield made("run-debited-twice", "debits twice the cost of a run", _debits(CREDITS, "run", status=200))
    yield made("submit-debited-twice", "debits twice the cost of a job", _debits(CREDITS, "submit", status=200))
    yield made("status-debited", "debits credits for each poll", _debits(0.01, "status", status=200))
    yield made("run-for-nothing", "debits nothing for a run with a stated cost", _debits(-CREDITS, "run", status=200))
    yield made("cost-header-low", "states a fifth of the cost", header("x-cost", "0.01"))
    yield made("metrics-cost-low", "states a fifth of a job's cost", body(_metrics_cost, "status", "result"))
    yield made("remaining-stale", "states the remaining credits before the run", answers(older, "run", status=200))
    yield made(
        "balance-ignored", "carries out a call that the balance doesn't cover", _generous, "money.balance_too_low"
    )
    yield made("balance-is-402", "answers 402 to an empty balance", other_status(402, of=406, error="credits"))
    yield made("rate-is-503", "answers 503 to too many requests", other_status(503, of=429), "rate.limited")
    yield made(
        "rate-without-reset", "omits the time of the rate limit's reset",
        answers(lambda _, answer: answer.with_header("x-rate-limit-reset-at-utc", None), status=429), "rate.limited",
    )  # fmt: skip
    yield made(
        "failed-job-debited", "debits credits for a failed job", _debits(CREDITS, "status", status=422),
        profile="observed",
    )  # fmt: skip
    yield made(
        "failed-job-names-a-cost", "states a cost in a failed job's record",
        body(_record_cost, "status", "result", status=422), profile="observed",
    )  # fmt: skip


def answer_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_errors, _keys, _headers, _bytes, _seeds_and_counts, _base64, _money):
        yield from family()
