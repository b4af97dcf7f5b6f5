"""Keeps results that several emitters ask for about the same object, by its identity.

Equality won't do: 1, 1.0 and True are equal, and so are mappings in another order, but texts about them differ. The
output for a model would then depend on the models before it.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Concatenate, Generic, ParamSpec, TypeVar

_About = TypeVar("_About")
_Others = ParamSpec("_Others")
_Result = TypeVar("_Result")


class _Same(Generic[_About]):
    """An object that equals itself only. It can't be collected while it is a key, so no other has its identity."""

    __slots__ = ("object",)

    def __init__(self, about: _About) -> None:
        self.object = about

    def __hash__(self) -> int:
        return id(self.object)

    def __eq__(self, other: Hashable) -> bool:
        return isinstance(other, _Same) and self.object is other.object


def once(
    size: int,
) -> Callable[[Callable[Concatenate[_About, _Others], _Result]], Callable[Concatenate[_About, _Others], _Result]]:
    """Keeps the last `size` results of a function by the identity of its first argument and the values of others."""

    def keeping(
        function: Callable[Concatenate[_About, _Others], _Result],
    ) -> Callable[Concatenate[_About, _Others], _Result]:
        @lru_cache(maxsize=size)
        def kept(same: _Same[_About], *args: _Others.args, **named: _Others.kwargs) -> _Result:
            return function(same.object, *args, **named)

        @wraps(function)
        def asked(about: _About, /, *args: _Others.args, **named: _Others.kwargs) -> _Result:
            return kept(_Same(about), *args, **named)  # type: ignore[arg-type]  # the others are hashable

        return asked

    return keeping
