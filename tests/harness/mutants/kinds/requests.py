"""Faults in the handling of keys and methods."""

import re
from collections.abc import Callable, Iterator

from tests.harness.mutants.faults import asks
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.original import KEY, KEY_HEADER, Answer, Asked, Fault, Original, refusal

CALLS = ("run", "submit")
POLLS = ("status", "result", "poll")


def _keyed(accepts: Callable[[str], bool]) -> Fault:
    return asks(lambda asked, _: asked.with_header(KEY_HEADER, KEY) if accepts(asked.key) else asked)


def _keys() -> Iterator[Mutant]:
    def made(name: str, does: str, accepts: Callable[[str], bool]) -> Mutant:
        return Mutant(f"key-{name}", does, "auth.invalid", lambda: _keyed(accepts))

    well_formed = re.compile("SG_[0-9a-f]{16}")
    yield made("of-the-right-form", "accepts each well-formed key", lambda key: bool(well_formed.fullmatch(key)))
    yield made("of-the-right-start", "accepts each key that starts with SG_", lambda key: key.startswith("SG_"))
    yield made("in-any-case", "ignores the case of the key", lambda key: key.casefold() == KEY.casefold())


def _verb(answers: Callable[[Asked], Answer | None], *routes: str) -> Fault:
    """Returns a fault that answers some requests to a route itself."""

    async def fault(asked: Asked, original: Original) -> Answer:
        own = answers(asked) if original.match(asked).route in routes else None
        return await original(asked) if own is None else own

    return fault


def _deleting() -> Fault:
    gone: set[str] = set()

    async def fault(asked: Asked, original: Original) -> Answer:
        answer, match = await original(asked), original.match(asked)
        if asked.method == "DELETE" and match.route in POLLS and answer.status == 405:
            gone.add(match.value)
            return Answer(204, {}, b"")
        return refusal(404, "Request not found") if match.value in gone else answer

    return fault


def _crashing() -> Fault:
    known: set[str] = set()

    async def fault(asked: Asked, original: Original) -> Answer:
        answer, match = await original(asked), original.match(asked)
        if match.route == "submit" and answer.status == 200:
            known.add(answer.json["request_id"])
        return refusal(500, "Internal server error") if asked.method == "HEAD" and match.value in known else answer

    return fault


def _verbs() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, method: str, answer: Answer, *routes: str) -> Mutant:
        def fault() -> Fault:
            return _verb(lambda asked: answer if asked.method == method else None, *routes)

        return Mutant(f"verb-{name}", does, f"method.{breaks}", fault)

    crash, empty = refusal(500, "Internal server error"), Answer(204, {}, b"")
    done = empty.with_json({"status": "ok"})._replace(status=200)
    yield made("head-runs", "answers 200 to HEAD of a model", "not_allowed", "HEAD", done, *CALLS)
    yield made("head-crashes", "answers 500 to HEAD of a job", "of_polls", "HEAD", crash, *POLLS)
    yield made("delete", "answers 204 to DELETE of any job", "of_polls", "DELETE", empty, *POLLS)
    yield Mutant("verb-delete-own", "deletes a job on DELETE", "method.of_polls", _deleting)
    yield Mutant("verb-head-of-own", "answers 500 to HEAD of an existing job", "method.of_polls", _crashing)
    yield Mutant(
        "verb-head-keyless", "answers 404 to HEAD without a key", "order.auth_before_method",
        lambda: _verb(lambda asked: refusal(404) if asked.method == "HEAD" and not asked.key else None, *CALLS),
    )  # fmt: skip
    yield made("options-crashes", "answers 500 to OPTIONS of a model", "options", "OPTIONS", crash, *CALLS)
    yield made("options-of-polls", "answers 500 to OPTIONS of a job", "options", "OPTIONS", crash, *POLLS)


def verb_and_key_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_keys, _verbs):
        yield from family()
