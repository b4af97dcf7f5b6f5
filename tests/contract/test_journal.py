"""The journal: entries survive a round trip, an incomplete last line is dropped, and damage is reported."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge_contract import BadJournal, NoAnswer, Request, Response
from segforge_contract.targets.journal import (
    Entry,
    Exchanged,
    Reservation,
    Tape,
    Weighed,
    canonical,
    create,
    read,
    reopen,
)

amounts = st.decimals(0, 100, places=4)
requests = st.builds(
    Request,
    st.sampled_from(["GET", "POST"]),
    st.text(max_size=20),
    st.sampled_from(["valid", "missing", "invalid"]),
    st.none() | st.just("application/json"),
    st.none() | st.binary(max_size=40),
    st.integers(0, 3),
    st.sampled_from(["output", "refusal", "failed job"]),
)
responses = st.builds(
    Response,
    st.integers(100, 599),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    st.binary(max_size=60),
    st.booleans(),
)
exchanges = st.builds(Exchanged, st.none() | st.integers(1), st.floats(0, 1e10), requests, responses)
entries = st.lists(
    exchanges | st.builds(Reservation, st.integers(1), amounts, amounts, requests) | st.builds(Weighed, amounts),
    max_size=6,
)


@given(written=entries, cut=st.integers(0, 200))
def test_entries_are_read_again_without_an_incomplete_last_line(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry], cut: int
) -> None:
    file = tmp_path_factory.mktemp("journal") / "run.jsonl"
    journal = create(file, {"seed": 1})
    for entry in written:
        journal.append(entry)
    journal.close()
    data = file.read_bytes()
    head = data.index(b"\n") + 1
    kept = data[: max(head, len(data) - cut)]
    file.write_bytes(kept)
    again = reopen(file)
    assert list(again.entries) == written[: kept.count(b"\n") - 1]
    again.append(Weighed(Decimal(1)))
    again.close()
    assert list(read(file).entries) == [*written[: kept.count(b"\n") - 1], Weighed(Decimal(1))]


def test_missing_answer_is_kept_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    journal = create(file, {})
    journal.append(Exchanged(1, 0.5, Request("GET", "/"), NoAnswer("cut", refused=True)))
    journal.close()
    [entry] = read(file).entries
    assert isinstance(entry, Exchanged)
    assert isinstance(entry.answer, NoAnswer)
    assert (str(entry.answer), entry.answer.refused) == ("cut", True)


def test_second_run_cannot_resume_a_journal_in_use(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    journal = create(file, {})
    with pytest.raises(BadJournal, match="another run"):
        reopen(file)
    journal.close()
    reopen(file).close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: expected a journal header"),
        ('{"format": "other"}\n', ":1: expected a journal header"),
        ('{"format": "segforge-contract-journal", "version": 1, "settings": {}}\nnonsense\n', ":2: expected a reserv"),
        ('{"format": "segforge-contract-journal", "version": 1, "settings": {}}\n{"exchange": 1}\n', ":2: expected"),
        ('{"format": "segforge-contract-journal", "version": 1, "settings": {}}\n{"balance": "x"}\n', ":2: expected"),
    ],
)
def test_damage_is_reported_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(text, "utf-8")
    with pytest.raises(BadJournal) as caught:
        reopen(file)
    assert f"{file}{said}" in str(caught.value)


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("mine", "utf-8")
    with pytest.raises(BadJournal, match="exists"):
        create(file, {})
    assert file.read_text("utf-8") == "mine"


def test_tape_replays_answers_in_order_without_429s_that_were_resent() -> None:
    one, other = Request("GET", "/1"), Request("GET", "/2")
    answers = [Response(status, {}, b"") for status in (200, 429, 404, 500)]
    tape = Tape(
        [
            Exchanged(None, 0, one, answers[0]),
            Exchanged(None, 0, other, answers[3]),
            Exchanged(None, 0, one, answers[1]),
            Exchanged(None, 0, one, answers[2]),
        ]
    )
    assert [tape.next(one), tape.next(one), tape.next(one)] == [answers[0], answers[2], None]
    assert tape.next(other) == answers[3]


def test_payload_with_another_key_order_is_the_same_request() -> None:
    def request(body: bytes) -> Request:
        return canonical(Request("POST", "/v1/a", body=body))

    assert request(b'{"a": 1, "b": 2}') == request(b'{"b": 2, "a": 1}')
    assert request(b'{"a": 1}') != request(b'{"a": 1.0}')
    assert request(b'{"a": 1, "a": 1}') != request(b'{"a": 1}')
    assert request(b'{"a":1}') != request(b'{"a": 1}')
