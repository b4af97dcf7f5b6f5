"""The public names of the package."""

import subprocess
import sys

import pytest

import segforge_mock


def test_the_package_exports_its_public_names() -> None:
    assert sorted(segforge_mock.__all__) == ["BadSetting", "Mock", "MockTransport", "Store", "create_app"]
    for name in segforge_mock.__all__:
        assert getattr(segforge_mock, name).__name__ == name
    assert set(segforge_mock.__all__) <= set(dir(segforge_mock))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nope"):
        segforge_mock.nope  # noqa: B018 - the access raises


def test_the_package_imports_its_modules_late() -> None:
    code = "import segforge_mock, sys; print([name for name in sys.modules if name.startswith('segforge_mock.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
