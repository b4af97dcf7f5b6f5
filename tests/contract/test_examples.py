"""Hypothesis' examples in a folder or in Redis: the next runner starts from the examples of the last one."""

from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import plan, run
from segforge_contract.cases.case import Case
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.examples import open_examples
from tests.contract.campaigns import session
from tests.contract.standin import StandIn
from tests.mock.stores.conftest import redis_server

SLUG = "flux-img2img"


def explored(catalog: Catalog, database: str, seed: int, max_examples: int) -> RunResult:
    """The result of a separate runner that only draws payloads."""
    planned = plan(catalog, [catalog.model(SLUG)], max_examples=max_examples, seed=seed)
    planned = type(planned)(catalog, planned.models, (), max_examples, seed, examples=open_examples(database))
    with session(catalog, StandIn(catalog, "true_refused")) as opened:
        return run(planned, opened)


def first_of(outcome: RunResult, operation: str) -> Case:
    return next(case for case in outcome.sent if case.operation == operation)


def shared(catalog: Catalog, database: str) -> None:
    found = explored(catalog, database, seed=0, max_examples=40)
    shrunk = {each.case.operation: each.case for each in found.failures if each.case.rule == "payload.valid"}
    assert shrunk.keys() == {"run", "submit"}
    again = explored(catalog, database, seed=1, max_examples=1)
    for operation, case in shrunk.items():
        assert first_of(again, operation).request == case.request


def test_examples_in_a_folder_are_reused_by_the_next_run(catalog: Catalog, tmp_path: Path) -> None:
    shared(catalog, str(tmp_path / "examples"))


def test_examples_in_redis_are_shared_by_runners(catalog: Catalog) -> None:
    with redis_server() as (url, _):
        shared(catalog, url)


def test_lost_redis_does_not_stop_the_run() -> None:
    with redis_server() as (url, process):
        examples = open_examples(url).scoped("a")
        examples.save(b"key", b"value")
        assert list(examples.fetch(b"key")) == [b"value"]
        process.terminate()
        process.wait(10)
        examples.save(b"key", b"another")
        examples.delete(b"key", b"value")
        assert list(examples.fetch(b"key")) == []


def test_strategies_do_not_share_examples(tmp_path: Path) -> None:
    examples = open_examples(str(tmp_path))
    examples.scoped("a").save(b"key", b"value")
    assert list(examples.scoped("b").fetch(b"key")) == []


def test_missing_redis_is_misuse_and_its_password_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    database = "redis://user:hunter2@127.0.0.1:1/0"
    assert main(["contract", "--target", "mock", "--database", database]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert "--database" in said
    assert "(ConnectionError)" in said
    assert "hunter2" not in said
