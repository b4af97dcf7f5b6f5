"""A template can't print what no filter has quoted."""

import jinja2
import pytest

from segforge.emit.quoting import environment, visible


@pytest.mark.parametrize("value", ["text", 1, None, ["text"], jinja2.Undefined()])
def test_a_bare_value_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="filters"):
        environment().from_string("{{ value }}").render(value=value)


def test_a_constant_of_the_template_is_quoted_too() -> None:
    with pytest.raises(TypeError, match="filters"):
        environment().from_string("{{ 'text' }}").render()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises((jinja2.UndefinedError, TypeError)):
        environment().from_string("{{ nothing | literal }}").render()


def test_what_a_filter_made_is_printed() -> None:
    assert environment().from_string("{{ value | literal }}").render(value='a"\n{{ 1 }}') == "'a\"\\n{{ 1 }}'"


@pytest.mark.parametrize("text", ["漢字モデル、反復回数。", "한국어", "Tiếng Việt", "Кириллица", "café ☕ 😀"])
def test_what_a_reader_sees_is_printed_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("character", "\u200b\u202e\u2028\u2066\u3000\u3164\ufeff\ufe0f\ue000\ud800\U000e0041\x07")
def test_what_a_reader_does_not_see_is_escaped(character: str) -> None:
    assert visible(f"a{character}b").isascii()
