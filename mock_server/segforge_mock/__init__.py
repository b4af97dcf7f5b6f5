"""A mock of the Segmind gateway: its models, its jobs over time, and faults on purpose."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from segforge_mock.app import create_app
    from segforge_mock.bounds import BadSetting
    from segforge_mock.handle import Mock
    from segforge_mock.in_process import MockTransport
    from segforge_mock.stores.base import Store

__all__ = ["BadSetting", "Mock", "MockTransport", "Store", "create_app"]

_HOMES: Final = {
    "BadSetting": "bounds",
    "Mock": "handle",
    "MockTransport": "in_process",
    "Store": "stores.base",
    "create_app": "app",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, since each command would pay for all of them otherwise."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
