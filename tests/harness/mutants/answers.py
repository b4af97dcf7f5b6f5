"""Faults in what a gateway answers: errors, headers, the key, pictures, money."""

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
"""What a call costs."""


def _errors() -> Iterator[Mutant]:
    def made(name: str, does: str, fault: Fault) -> Mutant:
        return Mutant(f"error-{name}", does, "error.shape", lambda: fault)

    def text(_: Asked, answer: Answer) -> Answer:
        return answer._replace(headers={"content-type": "text/plain"}, body=str(answer.json).encode())

    def html_as_json(_: Asked, answer: Answer) -> Answer:
        return answer.with_json({"error": "Method Not Allowed"})

    yield made("plain-text", "says errors as plain text", answers(text, status=400))
    yield made("empty", "gives no words with an error", body(lambda data: data.update(error=""), status=401))
    yield made("renamed", "calls an error a message", body(lambda data: {"message": data["error"]}, status=400))
    yield made("nested", "puts an error into an object", body(lambda d: {"error": {"message": d["error"]}}, status=404))

    yield made("method-json", "answers 405 in JSON", answers(html_as_json, status=405))


def _keys() -> Iterator[Mutant]:
    def made(name: str, does: str, change: Callable[[Asked, Answer], Answer], *routes: str, status: int) -> Mutant:
        return Mutant(f"key-{name}", does, "key.not_echoed", lambda: answers(change, *routes, status=status))

    def in_error(asked: Asked, answer: Answer) -> Answer:
        return answer.with_json({"error": f"refused for {asked.key}"})

    def in_url(asked: Asked, answer: Answer) -> Answer:
        return answer.with_json({**answer.json, "trace": f"/traces?key={asked.key}"})

    yield made("in-error", "names the key in an error", in_error, status=400)

    yield made(
        "in-header", "gives the key back in a header", lambda a, b: b.with_header("x-account", a.key), "run", status=200
    )

    yield made("in-status", "puts the key into a URL of a job's status", in_url, "status", status=200)


def _headers() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault) -> Mutant:
        return Mutant(f"header-{name}", does, f"headers.{breaks}", lambda: fault)

    def later(_: Asked, answer: Answer) -> Answer:
        seed = answer.headers.get("x-seed-value")
        return answer if seed is None else answer.with_header("x-seed-value", str(int(seed) + 1))

    for name in ("x-request-id", "x-cost"):
        yield made(f"no-{name}", f"leaves out {name}", "present", header(name, None))
    yield made("cost-in-words", "says its cost in words", "typed", header("x-cost", "five cents"))
    yield made("cost-negative", "names a negative cost", "typed", header("x-cost", "-0.05"))

    yield made("seed-off", "names the seed after the one asked for", "seed", answers(later, "run"))
    yield made("seed-constant", "names the same seed always", "seed", header("x-seed-value", "42"))


def _drawn_again(change: Callable[[Model, Payload], Payload]) -> Fault:
    """Draws the picture of another payload, and says that it has the seed asked for."""
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
    """Encodes a picture anew, under its old Content-Type."""

    def change(_: Asked, answer: Answer) -> Answer:
        if not answer.is_picture:
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
    return answer._replace(body=answer.body[: len(answer.body) // 2]) if answer.is_picture else answer


def _bytes() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault], model: str = ADAPTER) -> Mutant:
        return Mutant(f"bytes-{name}", does, f"bytes.{breaks}", make, model)

    def sent(change: Callable[[Asked, Answer], Answer]) -> Callable[[], Fault]:
        return lambda: answers(change, "run", status=200)

    def without(name: str) -> Callable[[], Fault]:
        return lambda: reads(lambda _, payload: {key: value for key, value in payload.items() if key != name})

    def picture(change: Callable[[Answer], Answer]) -> Callable[[], Fault]:
        return sent(lambda _, answer: change(answer) if answer.is_picture else answer)

    matches = "match_content_type"
    yield made("truncated", "sends half of a picture", matches, sent(_cut))
    yield made("empty", "sends no bytes", matches, picture(lambda answer: answer._replace(body=b"")))
    yield made("error-as-200", "sends an error as 200", matches, picture(lambda a: a.with_json({"error": "failed"})))
    yield made(
        "content-type-fixed", "says image/png of every picture", matches,
        picture(lambda answer: answer.with_header("content-type", "image/png")),
    )  # fmt: skip
    yield made("recoded", "sends a WebP picture as another type", matches, sent(_recoded("WEBP")))
    yield made("format-ignored", "sends JPEG whatever was asked for", "match_format", without("image_format"))
    yield made("width-off", "makes a picture 32 pixels too wide", "match_size", lambda: reads(_wider), CONTROLNET)
    yield made("sides-swapped", "takes width for height", "match_size", lambda: reads(_swapped), STYLE)
    yield made("height-ignored", "makes every picture 1024 pixels high", "match_size", lambda: reads(_unheeded), STYLE)


def _seeds_and_counts() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(name, does, breaks, make)

    yield made("seed-unstable", "draws another picture for the same seed", "seed", _counted_seeds)
    yield made(
        "seed-ignored", "draws the same picture for every seed", "seed",
        lambda: _drawn_again(lambda _, payload: {**payload, "seed": 7} if _seeded(payload) else payload),
    )  # fmt: skip
    yield made(
        "count-ignored", "makes one picture however many were asked for", "bytes",
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
    yield made("unpadded", "sends base64 one letter short", lambda text: text.rstrip("=")[:-1])

    yield Mutant(
        "base64-ignored", "sends bytes where base64 was asked for", "base64.holds_picture",
        lambda: reads(lambda _, payload: {**payload, "base64": False} if payload.get("base64") is True else payload),
    )  # fmt: skip
    yield Mutant(
        "json-as-text", "sends text where the page says JSON", "json.parses",
        lambda: answers(lambda _, answer: answer._replace(headers={**answer.headers, "content-type": "text/plain"},
                                                          body=b"done"), "run", status=200),
        TUNED,
    )  # fmt: skip


def _debits(credits: float, *routes: str, status: int) -> Fault:
    """Takes credits beyond what the answer says."""

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
    yield made("refusal-names-a-cost", "names a cost with a refusal", refused, refusal)
    yield made("refusal-debited", "takes credits for a refusal", _debits(CREDITS, *calls, status=400), refusal)
    yield made(
        "unknown-model-debited", "takes credits for an unknown model", _debits(CREDITS, *calls, status=404), refusal
    )
    yield made("run-debited-twice", "takes twice what a run costs", _debits(CREDITS, "run", status=200))
    yield made("submit-debited-twice", "takes twice what a job costs", _debits(CREDITS, "submit", status=200))
    yield made("status-debited", "takes credits for each look at a job", _debits(0.01, "status", status=200))
    yield made("run-for-nothing", "takes nothing for a run that it says costs", _debits(-CREDITS, "run", status=200))
    yield made("cost-header-low", "names a fifth of the cost", header("x-cost", "0.01"))
    yield made("metrics-cost-low", "names a fifth of a job's cost", body(_metrics_cost, "status", "result"))
    yield made("remaining-stale", "names the credits left before the run", answers(older, "run", status=200))
    yield made(
        "balance-ignored", "carries out a call that the balance doesn't cover", _generous, "money.balance_too_low"
    )
    yield made("balance-is-402", "answers 402 to an empty balance", other_status(402, of=406, error="credits"))
    yield made("rate-is-503", "answers 503 to too many requests", other_status(503, of=429), "rate.limited")
    yield made(
        "rate-without-reset", "doesn't say when to come back",
        answers(lambda _, answer: answer.with_header("x-rate-limit-reset-at-utc", None), status=429), "rate.limited",
    )  # fmt: skip
    yield made(
        "failed-job-debited", "takes credits for a job that failed", _debits(CREDITS, "status", status=422),
        profile="observed",
    )  # fmt: skip
    yield made(
        "failed-job-names-a-cost", "names a cost in a failed job's record",
        body(_record_cost, "status", "result", status=422), profile="observed",
    )  # fmt: skip


def answer_mutants() -> Iterator[Mutant]:
    """The mutants of this module, in the order of their families."""
    for family in (_errors, _keys, _headers, _bytes, _seeds_and_counts, _base64, _money):
        yield from family()
