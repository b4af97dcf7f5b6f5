"""The error classes of the clients, the same in every language: one for each status that the gateway documents.

Where a status means several things, there is one for each of those as well.
"""

from collections.abc import Collection
from dataclasses import dataclass

from segforge.spec.catalog import Gateway, Status, StatusCase
from segforge.spec.identifiers import pascal_case


@dataclass(frozen=True)
class ErrorClass:
    """A class of errors: its name and its base's, the status and its title, what it means, and its documentation.

    `words`, in lower case, tell it from other classes of its status; "" where the status alone decides.
    """

    name: str
    base: str
    code: int
    title: str
    meaning: str
    text: str
    words: str = ""


def failed_status(gateway: Gateway) -> int:
    """The HTTP status of a failed job's record."""
    return next((state.code for state in gateway.lifecycle.states if state.terminal and state.code >= 400), 422)


def error_classes(gateway: Gateway, taken: Collection[str], root: str = "SegmindError") -> list[ErrorClass]:
    """The classes, bases before what is derived from them; none of them is called like one of `taken`.

    Two names are fixed, because the docs pages or the clients' own code use them, whatever a title says.
    """
    fixed = {failed_status(gateway): "InferenceFailed"}
    if "credits.empty" in gateway.cases:
        fixed.setdefault(gateway.cases["credits.empty"][0].code, "InsufficientCredits")
    used = {*taken, root, *fixed.values()}
    classes = []
    for status in gateway.statuses:
        if status.code >= 400:
            name = fixed.get(status.code) or _free(pascal_case(status.title), used)
            classes.append(ErrorClass(name, root, status.code, status.title, status.meaning, _text(status)))
            classes += _told_apart(gateway, status, name, used)
    return classes


def insufficient_credits(gateway: Gateway) -> tuple[tuple[int, str], ...]:
    """The status that means the balance among other things, and the words that say so."""
    if not {"credits.empty", "credits.insufficient"} <= gateway.cases.keys():
        return ()
    status, case = gateway.cases["credits.insufficient"]
    words = _words(case)
    return ((status.code, words),) if words else ()


def _told_apart(gateway: Gateway, status: Status, base: str, used: set[str]) -> list[ErrorClass]:
    """Classes of the status that means the balance among other things, one for each of those.

    A case whose text says nothing before its first value has its name for words, which no answer holds.
    """
    if "credits.insufficient" not in gateway.cases or gateway.cases["credits.insufficient"][0] is not status:
        return []
    return [
        ErrorClass(
            _free(pascal_case(case.name), used),
            base,
            status.code,
            status.title,
            case.when,
            f"{status.code}: {case.when}",
            _words(case) or case.name,
        )
        for case in status.cases
        if case.name != "credits.insufficient"
    ]


def _free(name: str, used: set[str]) -> str:
    """The name, with underscores at its end as long as it is used already."""
    while name in used:
        name += "_"
    used.add(name)
    return name


def _words(case: StatusCase) -> str:
    """What the text of a case says before the first value in it."""
    return str((case.body or {}).get("error", "")).split("{")[0].split(".")[0].strip(" :").lower()


def _text(status: Status) -> str:
    lines = [f"{status.code}: {status.meaning}", "", *(f"- {case.when}" for case in status.cases)]
    return "\n".join(" ".join(line.split()) for line in lines)
