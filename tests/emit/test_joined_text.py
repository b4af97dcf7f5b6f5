"""Texts of specs that lack a full stop don't run into the sentence after them, in any output."""

import re
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge import Catalog
from segforge.emit.pipeline import EMITTERS, emit
from segforge.spec.catalog import Choices, Model, Parameter, Price
from segforge.spec.printable import ended, joined

NUMBERS = count()


def bare() -> str:
    """Returns a text without a full stop that no other text repeats."""
    return f"states word{next(NUMBERS)}"


def without_stops(model: Model) -> Model:
    """Returns a model whose texts lack a full stop, with parameters about which sentences follow the description."""
    parts = [
        Parameter("open", "string", required=None, description=bare(), choices=Choices(("a", "b"), 3, ("A", None))),
        Parameter("unlisted", "number", required=None, description=bare(), choices=Choices((1, 2.5), None)),
        Parameter("file", "string", required=None, description=bare(), file="image", default="x", deprecated=True),
        Parameter("sized", "string", required=None, description=bare(), max_length=3, affects_price=True),
    ]
    held = Parameter("held", "object", required=None, description=bare(), properties=tuple(parts), inferred=("type",))
    listed = (*(replace(one, description=bare()) for one in model.parameters), *parts, held)
    return replace(model, description=bare(), parameters=listed, price=Price(bare()), level="partial")


def test_no_output_joins_a_text_to_the_next_sentence(catalog: Catalog) -> None:
    headers = tuple(replace(one, description=bare()) for one in catalog.gateway.headers)
    gateway = replace(catalog.gateway, headers=headers)
    made = replace(catalog, gateway=gateway, models=tuple(map(without_stops, catalog.models)))
    seen = set()
    for artifact in emit(made, list(EMITTERS)):
        unmarked = re.sub(r"(?m)^ *\*", "", artifact.text)  # the stars of TypeScript's comments
        for paragraph in re.split(r"\n\s*\n", unmarked):
            flat = " ".join(paragraph.split())
            seen |= set(re.findall(r"word\d+", flat))
            assert re.findall(r"word\d+ [A-Z\[].{0,20}", flat) == [], artifact.path
    assert len(seen) > 50


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ((), ""),
        (("", " "), ""),
        (("One", "Two"), "One. Two"),
        (("One.", "", "Two."), "One. Two."),
        (("Which? ", 'It says "so."', "(See (2).)", "`x`", "z"), 'Which? It says "so." (See (2).) `x`. z'),
        (("这是什么。", "Any:", "Two"), "这是什么。 Any: Two"),
    ],
)
def test_texts_are_joined_as_sentences(texts: tuple[str, ...], whole: str) -> None:
    assert joined(*texts) == whole


@given(st.lists(st.text()))
def test_joining_is_the_same_in_one_or_several_steps(texts: list[str]) -> None:
    assert joined(joined(*texts[:1]), *texts[1:]) == joined(*texts)
    assert ended(ended(joined(*texts))) == ended(joined(*texts))
