"""Faults in the handling of a request before its parameters are read, and in the status of refusals."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tests.harness.mutants.faults import answers, asks, other_status
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.original import KEY, KEY_HEADER, Answer, Asked, Fault, Original, refusal

JSON = "application/json"
CALLS = ("run", "submit")


def _with_key(*routes: str, missing: bool) -> Fault:
    """Returns a fault that accepts requests without a key, or with a wrong key."""

    def change(asked: Asked, original: Original) -> Asked:
        wrong = not asked.key if missing else asked.key not in ("", KEY)
        concerned = not routes or original.match(asked).route in routes
        return asked.with_header(KEY_HEADER, KEY) if wrong and concerned else asked

    return asks(change)


def _auth() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault) -> Mutant:
        return Mutant(f"auth-{name}", does, breaks, lambda: fault)

    missing, invalid = "auth.missing", "auth.invalid"
    yield made("none-accepted", "requires no key", missing, _with_key(missing=True))

    yield made(
        "none-accepted-by-status", "requires no key on a job's status", missing, _with_key("status", missing=True)
    )
    yield made(
        "none-accepted-by-result", "requires no key on a job's result", missing, _with_key("result", missing=True)
    )
    yield made("none-accepted-by-poll", "requires no key on the v1 poll URL", missing, _with_key("poll", missing=True))
    yield made("any-accepted", "accepts any key", invalid, _with_key(missing=False))

    yield made("any-accepted-by-result", "accepts any key for a result", invalid, _with_key("result", missing=False))
    yield made("none-is-403", "answers 403 without a key", missing, other_status(403, of=401, error="Missing"))
    yield made("wrong-is-403", "answers 403 to a wrong key", invalid, other_status(403, of=401, error="Unauthorized"))


def _order() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, change: Callable[[Asked, Original], Asked]) -> Mutant:
        fault = asks(lambda asked, original: change(asked, original) if original.match(asked).route in CALLS else asked)
        return Mutant(f"order-{name}", does, f"order.{breaks}", lambda: fault)

    def keyed(asked: Asked) -> Asked:
        return asked.with_header(KEY_HEADER, KEY)

    def unfit(asked: Asked) -> bool:
        return asked.headers.get("content-type", JSON).partition(";")[0] != JSON

    yield made(
        "model-before-key", "checks the model before the key", "auth_before_model",
        lambda asked, original: asked if original.knows(asked) else keyed(asked),
    )  # fmt: skip
    yield made(
        "method-before-key", "checks the method before the key", "auth_before_method",
        lambda asked, original: keyed(asked) if asked.method != "POST" and original.knows(asked) else asked,
    )  # fmt: skip
    yield made(
        "body-before-key", "checks the body before the key", "auth_before_body",
        lambda asked, original: keyed(asked) if original.knows(asked) and _no_object(asked) else asked,
    )  # fmt: skip
    yield made(
        "method-before-model", "checks the method before the model", "model_before_method",
        lambda asked, original: asked if asked.method == "POST" else original.elsewhere(asked),
    )  # fmt: skip
    yield made(
        "content-type-before-method", "checks the Content-Type before the method", "method_before_content_type",
        lambda asked, _: asked._replace(method="POST") if unfit(asked) else asked,
    )  # fmt: skip
    yield made(
        "body-before-content-type", "checks the body before the Content-Type", "content_type_before_body",
        lambda asked, _: asked.with_header("content-type", JSON) if unfit(asked) and asked.json is None else asked,
    )  # fmt: skip


def _no_object(asked: Asked) -> bool:
    return asked.method == "POST" and not isinstance(asked.json, dict)


def _typed(takes: Callable[[str], bool]) -> Fault:
    """Returns a fault that treats some Content-Types as JSON."""

    def change(asked: Asked, original: Original) -> Asked:
        calls = original.match(asked).route in CALLS and asked.method == "POST"
        return (
            asked.with_header("content-type", JSON) if calls and takes(asked.headers.get("content-type", "")) else asked
        )

    return asks(change)


def _content_types() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault) -> Mutant:
        return Mutant(f"content-type-{name}", does, breaks, lambda: fault)

    invalid = "content_type.invalid"
    yield made("ignored", "accepts any Content-Type", invalid, _typed(lambda _: True))
    yield made("missing-accepted", "accepts a body without a Content-Type", invalid, _typed(lambda text: not text))

    yield made(
        "form-accepted",
        "accepts JSON labeled as a form",
        invalid,
        _typed(lambda text: "form-urlencoded" in text),
    )
    yield made("is-415", "answers 415", invalid, other_status(415, *CALLS, of=406, error="content type"))

    yield made(
        "charset-refused", "refuses application/json with a charset", "content_type.charset",
        asks(lambda asked, _: asked.with_header("content-type", "text/plain") if _charset(asked) else asked),
    )  # fmt: skip


def _charset(asked: Asked) -> bool:
    return "charset" in asked.headers.get("content-type", "")


def _bodies() -> Iterator[Mutant]:
    def made(name: str, does: str, repair: Callable[[bytes], Any]) -> Mutant:
        """`repair` returns the payload of a body that isn't a JSON object, or another value if it can't."""

        def change(asked: Asked, original: Original) -> Asked:
            calls = original.match(asked).route in CALLS and asked.headers.get("content-type") == JSON
            if not calls or _plain(asked.body):
                return asked
            try:
                found = repair(asked.body)
            except (ValueError, RecursionError):
                return asked
            return asked.with_json(found) if isinstance(found, dict) else asked

        breaks = "body.nan" if name == "nan" else "body.malformed"
        return Mutant(f"body-{name}", does, breaks, lambda: asks(change))

    yield made("list-unpacked", "accepts the object in a list", lambda raw: json.loads(raw)[0])
    yield made("text-unpacked", "accepts the object in a JSON string", lambda raw: json.loads(json.loads(raw)))

    yield made("trailing-comma", "accepts a trailing comma", lambda raw: json.loads(raw.replace(b",}", b"}")))
    yield made(
        "trailing-text", "accepts any text after the object",
        lambda raw: json.JSONDecoder().raw_decode(raw.decode())[0],
    )  # fmt: skip
    yield made("not-utf-8", "skips bytes that are not UTF-8", lambda raw: json.loads(raw.decode(errors="ignore")))
    yield made("nan", "treats NaN as omitted", _without_nan)


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


def _plain(raw: bytes) -> bool:
    """Returns whether a body is a strict JSON object."""
    try:
        return isinstance(json.loads(raw.decode(), parse_constant=_refused), dict)
    except (ValueError, RecursionError):
        return False


def _without_nan(raw: bytes) -> Any:
    data = json.loads(raw)
    return isinstance(data, dict) and {name: value for name, value in data.items() if value == value}  # noqa: PLR0124 - NaN alone is not itself


def _crash(when: Callable[[Asked], bool]) -> Fault:
    """Returns a fault that answers 500 to some requests with a valid key."""

    async def fault(asked: Asked, original: Original) -> Answer:
        crashes = asked.key == KEY and original.match(asked).route in CALLS and asked.body and when(asked)
        return refusal(500, "Internal server error") if crashes else await original(asked)

    return fault


def _doubled(raw: bytes) -> bool:
    doubled = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal doubled
        doubled |= len(dict(pairs)) < len(pairs)

    try:
        json.loads(raw, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return False
    return doubled


def _values(asked: Asked, kind: type) -> list[Any]:
    data = asked.json
    return [value for value in data.values() if type(value) is kind] if isinstance(data, dict) else []


def _crashes() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, when: Callable[[Asked], bool]) -> Mutant:
        return Mutant(f"crash-{name}", does, breaks, lambda: _crash(when))

    def text(holds: Callable[[str], bool]) -> Callable[[Asked], bool]:
        return lambda asked: any(map(holds, _values(asked, str)))

    yield made("malformed", "answers 500 to a non-JSON body", "body.malformed", lambda asked: asked.json is None)
    yield made("unicode", "answers 500 to text beyond Latin-1", "text", text(lambda t: max(t, default="") > "\xff"))
    yield made("long-text", "answers 500 to text of 10,000 characters", "text", text(lambda t: len(t) >= 10_000))
    yield made("control-characters", "answers 500 to a line break in a text", "text", text(lambda t: "\n" in t))
    yield made("empty-text", "answers 500 to an empty text", "text", text(lambda t: not t))
    yield made(
        "huge-integer", "answers 500 to an integer beyond 64 bits", "number",
        lambda asked: any(abs(value) >= 2**64 for value in _values(asked, int)),
    )  # fmt: skip
    yield made(
        "whole-number", "answers 500 to 20.0", "type.whole_for_integer",
        lambda asked: 20.0 in _values(asked, float),
    )  # fmt: skip
    yield made("duplicate-keys", "answers 500 to a duplicate key", "body", lambda asked: _doubled(asked.body))
    yield made(
        "deep-nesting", "answers 500 to a body nested 500 deep", "body",
        lambda asked: asked.body.count(b"[") > 500 or asked.body.count(b"{") > 500,
    )  # fmt: skip
    yield made(
        "out-of-range", "answers 500 one step outside a range", "range",
        lambda asked: isinstance(asked.json, dict) and asked.json.get("num_inference_steps") in (9, 76),
    )  # fmt: skip


def _statuses() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault, **more: Any) -> Mutant:
        return Mutant(f"status-{name}", does, breaks, lambda: fault, **more)

    parameters = "Invalid parameters"
    for status in (422, 406, 500):
        yield made(
            f"parameters-{status}", f"answers {status} to invalid parameters", "range",
            other_status(status, *CALLS, of=400, error=parameters),
        )  # fmt: skip
    yield made("range-422", "answers 422 to a value out of range", "range", other_status(422, of=400, error="(range."))
    yield made("enum-406", "answers 406 to an unknown value", "enum", other_status(406, of=400, error="(enum."))
    yield made("type-422", "answers 422 to a wrong type", "type", other_status(422, of=400, error="(type."))
    yield made(
        "missing-422-on-v2", "answers 422 if a required parameter is missing, on v2 only", "required.missing",
        other_status(422, "submit", of=400, error="(required."),
    )  # fmt: skip
    yield made(
        "malformed-422",
        "answers 422 to a malformed body",
        "body.malformed",
        other_status(422, of=400, error="Malformed"),
    )
    yield made("model-400", "answers 400 to an unknown model", "model.unknown", other_status(400, *CALLS, of=404))

    yield made(
        "id-400", "answers 400 to an unknown id", "request.unknown", other_status(400, "status", "result", of=404)
    )

    yield made("output-410", "answers 410 to an unknown id on v1", "output.unknown", other_status(410, "poll", of=404))
    yield made("method-404", "answers 404 to another method", "method.not_allowed", other_status(404, *CALLS, of=405))

    yield made("submit-202", "answers 202 to a submit", "payload.valid", other_status(202, "submit", of=200))
    yield made("run-201", "answers 201 to a run", "payload.valid", other_status(201, "run", of=200))
    yield made(
        "put-accepted", "treats PUT as POST", "method.not_allowed",
        asks(lambda asked, _: asked._replace(method="POST") if asked.method == "PUT" else asked),
    )  # fmt: skip
    yield made(
        "get-is-200", "answers 200 to a GET of a model", "method.not_allowed",
        answers(lambda asked, answer: answer.with_json({})._replace(status=200) if asked.method == "GET" else answer,
                *CALLS, status=405),
    )  # fmt: skip
    yield made(
        "unknown-id-200", "answers 200 and QUEUED to an unknown id", "request.unknown",
        answers(lambda _, answer: answer.with_json({"status": "QUEUED"})._replace(status=200), "status", status=404),
    )  # fmt: skip


def request_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_auth, _order, _content_types, _bodies, _crashes, _statuses):
        yield from family()
