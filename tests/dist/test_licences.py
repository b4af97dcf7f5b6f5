"""The page of licences is current, and a licence that is not compatible is found."""

import pytest

from tests.dist.licences import PAGE, Incompatible, is_compatible, licence_of, page


def test_the_page_of_licences_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make licences"


@pytest.mark.parametrize(
    ("licence", "compatible"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("BSD", False),
        ("", False),
    ],
)
def test_a_licence_is_compatible(licence: str, compatible: bool) -> None:
    assert is_compatible(licence) is compatible


def test_a_package_without_a_known_licence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.dist.licences.READ", {})
    with pytest.raises(Incompatible, match=r"jinja2 is under .*; expected one of Apache-2.0, .*remove the dependency"):
        licence_of("jinja2")
