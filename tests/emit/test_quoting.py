"""A template can't print a value that no filter quoted."""

import jinja2
import pytest

from segforge.emit.quoting import environment, markdown, visible


@pytest.mark.parametrize("value", ["text", 1, None, ["text"], jinja2.Undefined()])
def test_a_bare_value_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="filters"):
        environment().from_string("{{ value }}").render(value=value)


def test_a_bare_constant_is_an_error() -> None:
    with pytest.raises(TypeError, match="filters"):
        environment().from_string("{{ 'text' }}").render()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises((jinja2.UndefinedError, TypeError)):
        environment().from_string("{{ nothing | literal }}").render()


def test_quoted_values_are_printed() -> None:
    assert environment().from_string("{{ value | literal }}").render(value='a"\n{{ 1 }}') == "'a\"\\n{{ 1 }}'"


@pytest.mark.parametrize("text", ["漢字モデル、反復回数。", "한국어", "Tiếng Việt", "Кириллица", "café ☕ 😀"])
def test_visible_text_is_unchanged(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("character", "\u200b\u202e\u2028\u2066\u3000\u3164\ufeff\ufe0f\ue000\ud800\U000e0041\x07")
def test_hidden_characters_are_escaped(character: str) -> None:
    assert visible(f"a{character}b").isascii()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# x", "\\# x"),
        ("###### x", "\\###### x"),
        ("- x", "\\- x"),
        ("+ x", "\\+ x"),
        ("1. x", "1\\. x"),
        ("12) x", "12\\) x"),
        ("---", "\\---"),
        ("===", "\\==="),
        ("a # - 1. x", "a # - 1. x"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("#1", "#1"),
    ],
)
def test_text_starts_no_block_of_markdown(text: str, escaped: str) -> None:
    assert markdown(text) == escaped
