"""The error classes of the clients, the same in both languages: one for each documented status.

A status with several meanings also has a class for each meaning.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from segforge.emit.quoting import Code
from segforge.spec.catalog import Gateway, Status, StatusCase
from segforge.spec.identifiers import pascal_case


@dataclass(frozen=True)
class ErrorClass:
    """An error class: its name and base, the status with title and meaning, and the class's documentation.

    `words`, in lower case, identify it among the classes of its status; "" if the status alone identifies it.
    """

    name: str
    base: str
    code: int
    title: str
    meaning: str
    text: str
    words: str = ""


def failed_status(gateway: Gateway) -> int:
    """Returns the HTTP status of a failed job's record."""
    return next((state.code for state in gateway.lifecycle.states if state.terminal and state.code >= 400), 422)


def error_classes(gateway: Gateway, taken: Collection[str], root: str = "SegmindError") -> list[ErrorClass]:
    """Returns the classes, bases first; their names avoid those in `taken`.

    Two names are fixed, since the docs pages or the clients' own code use them.
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
    """Returns the status that can mean insufficient credits, and the words that identify that meaning."""
    if not {"credits.empty", "credits.insufficient"} <= gateway.cases.keys():
        return ()
    status, case = gateway.cases["credits.insufficient"]
    words = _words(case)
    return ((status.code, words),) if words else ()


def by_words(gateway: Gateway, classes: Iterable[ErrorClass]) -> list[tuple[int, str, Code]]:
    """Returns the status, the words and the class of each meaning of a status with several meanings."""
    balance = [(code, words, Code("InsufficientCredits")) for code, words in insufficient_credits(gateway)]
    return [*balance, *((kind.code, kind.words, Code(kind.name)) for kind in classes if kind.words)]


def _told_apart(gateway: Gateway, status: Status, base: str, used: set[str]) -> list[ErrorClass]:
    """Returns a class for each other meaning of the status that can mean insufficient credits.

    If a case's text starts with a value, its words are its name, which no answer contains.
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
    """Returns the name, with underscores appended until it is unused."""
    while name in used:
        name += "_"
    used.add(name)
    return name


def _words(case: StatusCase) -> str:
    """Returns the text of a case before its first value."""
    return str((case.body or {}).get("error", "")).split("{")[0].split(".")[0].strip(" :").lower()


def _text(status: Status) -> str:
    lines = [f"{status.code}: {status.meaning}", "", *(f"- {case.when}" for case in status.cases)]
    return "\n".join(" ".join(line.split()) for line in lines)
