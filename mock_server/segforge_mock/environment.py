"""The variables that keep a test's clients from asking a proxy for the mock."""

from collections.abc import Mapping
from typing import Final

_LOOPBACK: Final = "127.0.0.1"


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep clients from asking a proxy for the mock: none where the environment names no proxy."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name, value in environment.items() if value):
        return {}
    named = {name: environment.get(name, "") for name in ("NO_PROXY", "no_proxy")}
    known = named["no_proxy"] or named["NO_PROXY"]
    if known.strip() == "*":
        return {}
    return dict.fromkeys(named, f"{known},{_LOOPBACK}" if known else _LOOPBACK)
