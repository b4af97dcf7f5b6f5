"""The live progress bar of a campaign: how far it is, what broke, and what it took so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from segforge_contract.session import Session


@contextmanager
def progress_bar(console: Console, total: int, session: Session) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs, on a terminal only; gives what is to be told how much is done, and broken."""
    columns = (
        TextColumn("contract"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[broken]} broken", style="red"),
        TextColumn("{task.fields[requests]} requests, {task.fields[billed]} billed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, broken=0, requests=0, billed=0)

        def show(done: int, broken: int) -> None:
            progress.update(
                task, completed=done, broken=broken, requests=session.requests, billed=session.billed, refresh=False
            )

        yield show
