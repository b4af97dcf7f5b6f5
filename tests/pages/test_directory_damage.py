"""A damaged list removes no model, adds none, and changes a fact only to a value that its row states plainly.

The oracle knows the row of each model in the damaged text by its link, and splits it at its pipes. It uses no code of
the reader.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from segforge.pages.listing.apply import settled
from segforge.pages.listing.compare import Answers, compare_list
from segforge.pages.listing.table import list_of_bytes
from segforge.pages.source.document import PageError
from segforge.spec.build import build_directory
from tests.pages.listed import DIRECTORY, NEXT, SMALL, listed

DATA = yaml.safe_load(DIRECTORY)
KNOWN = build_directory(DATA)
WHOLE = listed(SMALL).encode()
REPLACEMENTS = b"x7 |-.$\n#\\"
COLUMNS = {"title": 0, "usd": 4, "seconds": 5}


def damages() -> Iterator[tuple[str, int, bytes]]:
    """Yields every byte of the list deleted, doubled and replaced."""
    for at in range(len(WHOLE)):
        for kind, made in (
            ("deleted", b""),
            ("doubled", WHOLE[at : at + 1] * 2),
            *(("replaced", REPLACEMENTS[n : n + 1]) for n in range(len(REPLACEMENTS))),
        ):
            yield kind, at, WHOLE[:at] + made + WHOLE[at + 1 :]


def applied(raw: bytes) -> Any:
    """Returns the data of the directory after a list, which stays as it is if the list is not applied."""
    try:
        drift = compare_list(list_of_bytes(raw, "llms.txt"), KNOWN, Answers())
    except PageError:
        return DATA
    return DATA if drift.problems or drift.questions else {**settled(DATA, drift, NEXT), "read": DATA["read"]}


def row_of(text: str, slug: str) -> list[str]:
    """Returns the cells of the only line that links a model."""
    [line] = [line for line in text.split("\n") if f"/models/{slug}/llms.txt" in line]
    return [" ".join(cell.split()) for cell in line.strip("| ").split("|")]


def plainly(cell: str, fact: str) -> Any:
    """Returns what a cell states: a title, or a figure with six significant digits."""
    if fact == "title":
        return cell
    number = cell.removeprefix("$") if fact == "usd" else cell.removesuffix("s")
    assert number != cell
    assert number.replace(".", "", 1).isdecimal()
    return float(f"{float(number):.6g}")


def test_no_damaged_byte_writes_what_its_row_does_not_state() -> None:
    written = tried = 0
    for kind, at, raw in damages():
        tried += 1
        made = applied(raw)
        if made == DATA:
            continue
        written += 1
        place, text = (kind, at, raw[max(at - 40, 0) : at + 40]), raw.decode()
        assert {**made, "models": 0} == {**DATA, "models": 0}, place
        assert list(made["models"]) == list(DATA["models"]), place
        for slug, facts in made["models"].items():
            old = DATA["models"][slug]
            assert facts.keys() == old.keys(), place
            for fact in [fact for fact in facts if facts[fact] != old[fact]]:
                assert fact in COLUMNS, place
                assert plainly(row_of(text, slug)[COLUMNS[fact]], fact) == facts[fact], place
    assert tried > 10_000
    assert 50 < written < tried / 10  # digits and letters of titles, which state another value plainly


def test_no_cut_writes_anything() -> None:
    for end in range(len(WHOLE) + 1):
        assert applied(WHOLE[:end]) == DATA, WHOLE[:end][-80:]


def test_no_lost_beginning_writes_anything() -> None:
    lines = WHOLE.split(b"\n")
    for start in range(len(lines)):
        made = applied(b"\n".join(lines[start:]))
        assert made == DATA, lines[start]
