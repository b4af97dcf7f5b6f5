"""Rules about `directory.yaml`, and about models that it lacks."""

from collections.abc import Iterable, Iterator
from datetime import date

from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.search import meant, near_slugs
from segforge.spec.source import SourceFile


def lint_directory(source: SourceFile) -> list[Finding]:
    """Returns all findings about a directory file whose data fits the schema."""
    return [finding for rule in (_read_is_date, _modalities_are_known, _states_are_apart) for finding in rule(source)]


def lint_listed(directory: SourceFile, models: Iterable[SourceFile]) -> list[Finding]:
    """Returns a warning for each model that the directory does not name."""
    known = {*directory.data["models"], *directory.data.get("unlisted", {})}
    mend = "add it to the unlisted models, with a reason"
    return [
        model.finding(("slug",), "directory.absent", show(slug), "a model that the directory names", mend, warning=True)
        for model in models
        if (slug := model.data["slug"]) not in known
    ]


def _read_is_date(source: SourceFile) -> Iterator[Finding]:
    """The day on which the list was read exists in the calendar."""
    text = source.data["read"]
    try:
        date.fromisoformat(text)
    except ValueError:
        yield source.finding(("read",), "directory.date", show(text), "a date, YYYY-MM-DD", "write the day of the list")


def _modalities_are_known(source: SourceFile) -> Iterator[Finding]:
    """Each listing has a modality whose output is stated."""
    known = source.data["modalities"]
    for slug, listing in source.data["models"].items():
        name = listing["modality"]
        if name not in known:
            at, mend = ("models", slug, "modality"), meant(map(show, near_slugs(name, known, 1)), "add it there")
            yield source.finding(at, "directory.modality", show(name), "one of modalities", mend)


def _states_are_apart(source: SourceFile) -> Iterator[Finding]:
    """No model is both in the list and unlisted. A retired one may still be in the list."""
    for slug, one in source.data.get("unlisted", {}).items():
        if slug in source.data["models"] and one["state"] == "unlisted":
            found, mend = f"{show(slug)}, which is in the list", "remove it here"
            at = ("unlisted", slug)
            yield source.finding(at, "directory.listed", found, "a model that the list lacks", mend, key=True)
