"""The live progress bar of a campaign: its progress, failures, requests and cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from segforge.spec.printable import counted
from segforge_contract.engine.session import Session
from segforge_contract.targets.ledger import Ledger, plain


@contextmanager
def progress_bar(
    console: Console, total: int, session: Session, ledger: Ledger | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar while the block runs, on a terminal only.

    Yields a function that receives how many requests are done, and how many failures there are.
    """

    def taken() -> str:
        money = f"{counted(session.billed, 'call')} accepted"
        if ledger is not None:
            money += f", {plain(ledger.spent)} of {plain(ledger.cap)} credits"
        return f"{session.requests} requests, {money}"

    columns = (
        TextColumn("contract"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[broken]} broken"),
        TextColumn("{task.fields[taken]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, broken=0, taken="")
        yield lambda done, broken: progress.update(task, completed=done, broken=broken, taken=taken())
