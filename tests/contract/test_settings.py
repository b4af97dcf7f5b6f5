"""Settings: a journal stores them, and a resumed run derives them again."""

import json
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segforge_contract
from segforge_contract import Misuse, Settings
from segforge_contract.engine.settings import continued

CREDITS = st.decimals(0, 100, places=3)
SETTINGS = st.builds(
    Settings,
    models=st.none() | st.lists(st.text("abc-", min_size=1), min_size=1).map(tuple),
    profile=st.none() | st.sampled_from(["documented", "observed"]),
    max_examples=st.integers(0, 9),
    seed=st.integers(0, 2**32),
    max_spend=CREDITS,
    assume_price=st.none() | CREDITS,
)


@given(SETTINGS)
def test_resumed_run_has_the_settings_of_its_journal(settings: Settings) -> None:
    stored = json.loads(json.dumps({"target": "http://127.0.0.1", **settings.stored(cap=settings.max_spend)}))
    resumed = continued(Settings(resume=Path("run.jsonl")), stored)
    assert resumed == replace(settings, target="http://127.0.0.1", resume=Path("run.jsonl"))
    assert resumed.stored(cap=resumed.max_spend) == settings.stored(cap=settings.max_spend)


@given(SETTINGS, st.sampled_from(["seed", "models", "profile", "assume_price"]))
def test_conflict_with_the_journal_names_option_and_value(settings: Settings, name: str) -> None:
    other = {"seed": -1, "models": ("other",), "profile": "other", "assume_price": Decimal(101)}[name]
    given_settings = replace(Settings(resume=Path("run.jsonl")), **{name: other})  # type: ignore[arg-type]
    recorded = getattr(settings, name)
    with pytest.raises(Misuse) as caught:
        continued(given_settings, settings.stored(cap=settings.max_spend))
    assert f"--{name.replace('_', '-')}" in str(caught.value)
    assert (" ".join(recorded) if name == "models" and recorded else str(recorded)) in str(caught.value)


@pytest.mark.parametrize("value", [{}, "NaN", [1], 1.5])
@pytest.mark.parametrize("name", ["seed", "models", "max_examples"])
def test_wrong_type_in_a_journal_is_misuse(name: str, value: object) -> None:
    with pytest.raises(Misuse, match=f"the journal's {name} is"):
        continued(Settings(replay=Path("run.jsonl")), {name: value})


@pytest.mark.parametrize("value", [{}, "NaN", "much", [1]])
@pytest.mark.parametrize("name", ["max_spend", "assume_price"])
def test_wrong_amount_in_a_journal_is_misuse(name: str, value: object) -> None:
    with pytest.raises(Misuse, match=f"the journal's {name} is"):
        continued(Settings(replay=Path("run.jsonl")), {name: value})


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 1  # type: ignore[misc]


def test_only_the_command_line_and_the_plugin_use_argparse() -> None:
    folder = Path(segforge_contract.__file__).parent
    users = {
        file.relative_to(folder).parts[0] for file in folder.rglob("*.py") if "argparse" in file.read_text("utf-8")
    }
    assert users == {"cli", "pytest_plugin.py"}
