"""Coroutines that ran their first step outside a task, and the awaitables for what is left of them."""

from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def rest_of(running: Coroutine[Any, Any, T], waiting: Any) -> T:
    """Runs the rest of a coroutine that waits for its first future."""
    return await _go_on(running, waiting)


async def returned(value: T) -> T:
    """Stands for a coroutine that has returned a value."""
    return value


async def raised(error: BaseException) -> Any:
    """Stands for a coroutine that has raised an error."""
    raise error


@coroutine
def _go_on(running: Coroutine[Any, Any, T], waiting: Any) -> Generator[Any, Any, T]:
    """Passes the results and errors of futures to a coroutine, as a task would."""
    while True:
        try:
            result = yield waiting
        except BaseException as error:  # a task throws the exception of the future, or its cancellation
            step = partial(running.throw, error)
        else:
            step = partial(running.send, result)
        try:
            waiting = step()
        except StopIteration as done:
            value: T = done.value
            return value
