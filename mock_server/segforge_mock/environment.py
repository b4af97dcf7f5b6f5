"""Environment variables that make a test's clients connect to the mock directly, not through a proxy."""

from collections.abc import Mapping
from typing import Final

_LOOPBACK: Final = "127.0.0.1"


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that exclude the mock from proxies. Empty if the environment names no proxy."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name, value in environment.items() if value):
        return {}
    named = {name: environment.get(name, "") for name in ("NO_PROXY", "no_proxy")}
    known = named["no_proxy"] or named["NO_PROXY"]
    if known.strip() == "*":
        return {}
    return dict.fromkeys(named, f"{known},{_LOOPBACK}" if known else _LOOPBACK)
