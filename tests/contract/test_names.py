"""The public names of segforge_contract."""

import segforge_contract


def test_public_names() -> None:
    assert segforge_contract.__all__ == [
        "RULES",
        "AsgiTarget",
        "BadJournal",
        "BadTarget",
        "Contract",
        "Exchange",
        "HttpTarget",
        "Misuse",
        "NoAnswer",
        "NotSent",
        "Report",
        "Request",
        "Response",
        "Rule",
        "Settings",
        "Unreachable",
        "house_rule",
        "open_session",
        "plan",
        "run",
    ]


def test_each_public_name_resolves() -> None:
    for name in segforge_contract.__all__:
        value = getattr(segforge_contract, name)
        assert getattr(value, "__name__", name) == name
