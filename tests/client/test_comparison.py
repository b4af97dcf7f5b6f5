"""The comparison in docs/clients.md: its table has the form that the script writes, and our column is true."""

import re

import pytest

from benchmarks.client_comparison.__main__ import CLOSING, COUNTED, OPENING, PAGE, rendered, rows
from benchmarks.client_comparison.checks import CHECKS
from benchmarks.client_comparison.peers import MAKINGS, Ours
from tests.client.conftest import KEY, Gateway


def test_the_committed_table_is_in_the_form_that_the_script_writes() -> None:
    page = PAGE.read_text("utf-8")
    table = OPENING + page.partition(OPENING)[2].partition(CLOSING)[0] + CLOSING
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    header, _, *body = cells
    assert rendered([header, *body]) == table
    assert [re.sub(r" \d[\d.]*$", "", title) for title in header] == ["", *(each.title for each in MAKINGS.values())]
    assert [row for row, *_ in body] == rows()
    for row, *found in body:
        assert all(re.fullmatch(r"\d+" if row in COUNTED else "yes|no", cell) for cell in found), row


@pytest.mark.parametrize("row", CHECKS)
def test_the_column_of_our_client_is_true(gateway: Gateway, row: str) -> None:
    assert CHECKS[row](Ours(gateway.url, KEY), gateway)
