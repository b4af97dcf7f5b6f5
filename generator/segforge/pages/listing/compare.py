"""Compares the vendor's list of models with the directory.

A change is certain, or it has a question that a person answers. A list of which a part can't be read removes nothing.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from segforge.pages.listing.table import ListedRow, ModelList, six_digits
from segforge.spec.catalog import Directory, Listing
from segforge.spec.printable import show

ListKind: TypeAlias = Literal[
    "new", "back", "gone", "renamed", "title", "modality",
    "dearer", "cheaper", "priced", "unpriced", "slower", "faster", "timed", "untimed",
]  # fmt: skip
FIGURES: Final[Mapping[str, tuple[ListKind, ListKind, ListKind, ListKind]]] = {
    "usd": ("dearer", "cheaper", "priced", "unpriced"),
    "seconds": ("slower", "faster", "timed", "untimed"),
}
"""The kinds of change of a figure: higher, lower, first stated, no longer stated."""
NEAR: Final = 0.85
"""The likeness of two slugs or titles from which one may be the other's new name."""
MAX_PAIRS: Final = 5_000
"""Pairs of a gone and a new model that are compared by likeness. With more, only equal titles count."""
FAR: Final = 10
"""A figure that changes by this factor may have lost or gained a digit."""


@dataclass(frozen=True)
class ListChange:
    """A change of one model. `share` is the relative change of a figure, such as 0.1 for 10 % more.

    `question` is what a person has to decide before the change is written; "" if it is certain. `meaning` says what the
    change means for the model's spec, and `spec` is the file.
    """

    slug: str
    kind: ListKind
    old: str | float | None
    new: str | float | None
    line: int | None = None
    share: float | None = None
    question: str = ""
    spec: str | None = None
    meaning: tuple[str, ...] = ()

    def is_at_least(self, threshold: float) -> bool:
        """Returns whether the change counts: figures that change by a smaller share than the threshold don't."""
        return self.share is None or abs(self.share) >= threshold or bool(self.question)


@dataclass(frozen=True)
class Answers:
    """Decisions of a person: new slugs by old ones, and slugs for which the list is right as it stands."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    accepted: Collection[str] = frozenset()


@dataclass(frozen=True)
class ListDrift:
    """The changes between a directory and a list, in the order of their slugs.

    `problems` are the reasons why the list is not trusted as a whole. Nothing is written then, and no model is gone.
    """

    listed: ModelList
    directory: Directory
    changes: tuple[ListChange, ...]
    problems: tuple[str, ...]

    @property
    def questions(self) -> tuple[ListChange, ...]:
        """The changes that a person has to decide."""
        return tuple(change for change in self.changes if change.question)


def compare_list(listed: ModelList, directory: Directory, answers: Answers) -> ListDrift:
    """Returns the changes from a directory to a list."""
    rows, known = listed.by_slug, directory.listings
    problems = [*listed.problems]
    found = sum(slug in rows for slug in known)
    if 2 * found < len(known):
        problems.append(f"{found} of {len(known)} known models; expected at least half of them")
    gone = [] if problems else [slug for slug in known if slug not in rows]
    new = [slug for slug in rows if slug not in known]
    pairs = _renamed(gone, [slug for slug in new if slug not in directory.unlisted], listed, directory, answers)
    changes = [_new(rows[slug], directory, answers) for slug in new if slug not in pairs.values()]
    changes += [_pair(old, rows[pairs[old]], directory, answers) for old in pairs]
    changes += [_gone(slug, listed, directory, answers) for slug in gone if slug not in pairs]
    for slug in known:
        if slug in rows:
            changes += _changed(known[slug], rows[slug], directory, answers)
    order = {change: number for number, change in enumerate(changes)}
    ordered = sorted(changes, key=lambda change: (change.slug, order[change]))
    return ListDrift(listed, directory, tuple(ordered), tuple(problems))


def _new(row: ListedRow, directory: Directory, answers: Answers) -> ListChange:
    one = row.listing
    known = directory.unlisted.get(one.slug)
    question = _unknown(one, directory)
    if not question and one.slug not in answers.accepted and not (row.linked and row.headed):
        second = "heading names its modality" if row.linked else "link names its slug"
        question = f"no {second}, too; pass --accept {one.slug} if the row is right"
    kind: ListKind = "new" if known is None else "back"
    return ListChange(one.slug, kind, known.state if known else None, one.title, row.line, question=question)


def _pair(old: str, row: ListedRow, directory: Directory, answers: Answers) -> ListChange:
    """Returns the change of a model that seems to have a new slug: one question instead of two facts."""
    new = row.listing
    question = _unknown(new, directory)
    if not question and old not in answers.renamed:
        question = (
            f"the title {show(directory.listings[old].title)} is now {show(new.title)}; "
            f"pass --renamed {old}={new.slug} if it is the same model, or --accept {old} if they are two"
        )
    return ListChange(old, "renamed", old, new.slug, row.line, question=question)


def _gone(slug: str, listed: ModelList, directory: Directory, answers: Answers) -> ListChange:
    """Returns the change of a model that the list lacks. At the end of a list, it may have been cut off."""
    one, last = directory.listings[slug], listed.rows[-1].listing
    is_cut = one.modality not in {row.listing.modality for row in listed.rows} or (
        one.modality == last.modality and one.title.casefold() > last.title.casefold()
    )
    question = ""
    if is_cut and slug not in answers.accepted:
        question = f"the list may have been cut off before this model; pass --accept {slug} if it is whole"
    return ListChange(slug, "gone", one.title, None, question=question)


def _changed(old: Listing, row: ListedRow, directory: Directory, answers: Answers) -> Iterator[ListChange]:
    """Yields the changes of a model that the directory and the list have."""
    new, slug = row.listing, old.slug
    if old.title != new.title:
        yield ListChange(slug, "title", old.title, new.title, row.line)
    if old.modality != new.modality:
        question = _unknown(new, directory)
        if not question and not row.headed and slug not in answers.accepted:
            question = f"the heading names another modality; pass --accept {slug} if the row is right"
        yield ListChange(slug, "modality", old.modality, new.modality, row.line, question=question)
    for name, (up, down, stated, unstated) in FIGURES.items():
        was, now = getattr(old, name), getattr(new, name)
        was = None if was is None else six_digits(was)
        if was == now:
            continue
        if was is None or now is None:
            yield ListChange(slug, stated if was is None else unstated, was, now, row.line)
            continue
        is_far = not was or not now or not 1 / FAR < now / was < FAR
        question = ""
        if is_far and slug not in answers.accepted:
            question = f"it changes by a factor of {FAR} or more; pass --accept {slug} if the list is right"
        share = now / was - 1 if was else None
        yield ListChange(slug, up if now > was else down, was, now, row.line, share, question)


def _unknown(one: Listing, directory: Directory) -> str:
    """Returns the question about a modality that the directory doesn't know, or ""."""
    if one.modality in directory.modalities:
        return ""
    return f"unknown modality {show(one.modality)}; add it to `modalities` in directory.yaml, with its medium"


def _renamed(
    gone: Collection[str], new: Collection[str], listed: ModelList, directory: Directory, answers: Answers
) -> dict[str, str]:
    """Returns the new slugs of models that seem to be renamed, the likeliest pairs first."""
    pairs = {old: slug for old, slug in answers.renamed.items() if old in gone and slug in new}
    rows, taken = listed.by_slug, {*pairs, *pairs.values(), *answers.accepted}
    olds = [slug for slug in gone if slug not in taken]
    news = [slug for slug in new if slug not in taken]
    by_likeness = len(olds) * len(news) <= MAX_PAIRS
    titles = {slug: _letters(directory.listings[slug].title) for slug in olds}
    titles |= {slug: _letters(rows[slug].listing.title) for slug in news}
    likely = []
    for old in olds:
        for slug in news:
            likeness = 1.0 if titles[old] and titles[old] == titles[slug] else 0.0
            if not likeness and by_likeness:
                likeness = max(_likeness(titles[old], titles[slug]), _likeness(_letters(old), _letters(slug)))
            if likeness >= NEAR:
                likely.append((-likeness, old, slug))
    for _, old, slug in sorted(likely):
        if old not in pairs and slug not in pairs.values():
            pairs[old] = slug
    return pairs


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _likeness(one: str, two: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    fast = min(matcher.real_quick_ratio(), matcher.quick_ratio())
    return matcher.ratio() if fast >= NEAR else 0.0
