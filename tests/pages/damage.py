"""Damages one byte of a page, applies the page, and judges the write by its text without the code under test.

The oracle only knows labels and values. It compares the spec before and after with the text before and after. It
accepts one kind of change: a complete value after its own label, changed to another value of the same type.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from segforge.pages.draft import draft
from segforge.pages.drift.apply import apply_linted
from segforge.pages.drift.compare import compare
from segforge.pages.read import page_of_bytes
from segforge.pages.source.document import PageError
from segforge.spec.source import SourceFile
from segforge.spec.yaml_edit import at as value_at
from tests.pages.layouts import ALL, literal, python_literal
from tests.seeds import seed_catalog

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "pages"
LETTERS: Final = b"exsntoaR"
DIGITS: Final = b"7103928465"
KINDS: Final = ("deleted", "doubled", "letter", "digit", "blank")
GAP: Final = r"(?:\s|<[^<>]*>)*"
_ABSENT: Final = object()


@dataclass(frozen=True)
class Damage:
    """One damaged byte: the kind of damage, its offset, and the resulting page."""

    kind: str
    at: int
    page: bytes


def damages(
    page: bytes, kinds: tuple[str, ...] = KINDS, *, first: int = 0, end: int | None = None, step: int = 1
) -> Iterator[Damage]:
    """Yields every `step`-th byte from `first` to `end`, damaged in each kind. Letters and digits vary by place."""
    for at in range(first, len(page) if end is None else end, step):
        made = {
            "deleted": b"",
            "doubled": page[at : at + 1] * 2,
            "letter": LETTERS[at % len(LETTERS) :][:1],
            "digit": DIGITS[at % len(DIGITS) :][:1],
            "blank": b" ",
        }
        for kind in kinds:
            if made[kind] != page[at : at + 1]:
                yield Damage(kind, at, page[:at] + made[kind] + page[at + 1 :])


def own_pages(layouts: Iterable[str] = tuple(ALL)) -> Iterator[tuple[str, bytes, str]]:
    """Yields the example page, and each model of the catalog in each layout: name, bytes, and text of its draft."""
    for path in sorted(EXAMPLES.glob("*.txt")):
        yield path.name, path.read_bytes(), draft(page_of_bytes(path.read_bytes(), path.name)).text
    for layout in layouts:
        for model in seed_catalog().models:
            raw = ALL[layout](model).encode()
            yield f"{model.slug}, {layout}", raw, draft(page_of_bytes(raw, "page")).text


def written(damage: Damage, text: str, source: SourceFile) -> str:
    """Returns the spec's text after `--apply` of a damaged page. It is unchanged if the page can't be read."""
    try:
        page = page_of_bytes(damage.page, "page")
    except PageError:
        return text
    if page.get("slug") != source.data["slug"]:
        return text
    drift = compare(page, source)
    return apply_linted(text, drift)[0] if any(one.decided for one in drift.differences) else text


def judge(damage: Damage, page: bytes, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Returns the number of changes that the damaged text states plainly, and the other changes: wrong writes."""
    old, new = page.decode(), damage.page.decode()
    at = len(page[: damage.at].decode(errors="ignore"))
    plain, wrong = 0, []
    for path, value, made in changes(before, after):
        if path[:2] == ("source", "reviewed"):
            continue
        if same_type(value, made) and is_plain(path, value, made, old, new, at, before):
            plain += 1
        else:
            wrong.append(f"{'.'.join(map(str, path))}: {shown(value)} -> {shown(made)}")
    return plain, wrong


def shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else repr(value)


def changes(one: Any, two: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Yields the leaves on which two documents differ. A list is a leaf."""
    if isinstance(one, dict) and isinstance(two, dict):
        for key in {**one, **two}:
            yield from changes(one.get(key, _ABSENT), two.get(key, _ABSENT), (*path, key))
    elif one != two or type(one) is not type(two):
        yield path, one, two


def same_type(one: Any, two: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    return numbers or (isinstance(one, str) and isinstance(two, str))


def is_plain(
    path: tuple[Any, ...], value: Any, made: Any, old: str, new: str, at: int, spec: Mapping[str, Any]
) -> bool:
    """Returns whether the damaged text has the new value in the place of the old one, and nothing contradicts it.

    The damage must be inside the value. Damage just after it counts only if the value still ends its line: a digit that
    replaces the line's end joins the value to the next line, unless a blank line follows.
    """
    last = at - (old[at : at + 2] == "\n\n")
    places = [place for place in labelled(path, value, old, spec) if place[0] <= at and last < place[1]]
    grown = len(new) - len(old)
    if not any(new[start : max(end, at + 1) + grown].strip() == form(made, how) for start, end, how in places):
        return False
    if path[0] == "example":
        return len(labelled(path, value, new, spec)) == 0
    if isinstance(value, str):
        return not any(quoted in new for quoted in {literal(value), html.escape(literal(value))})
    return True


def form(value: Any, how: str) -> str:
    text = python_literal(value) if how == "python" else literal(value)
    return html.escape(text) if how == "html" else text


def labelled(path: tuple[Any, ...], value: Any, text: str, spec: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Returns the places of a fact's value after its own label: start, end, and the notation of the value."""
    match path:
        case ("typical_seconds",):
            labels = ["~"]
        case ("example", str(name)):
            labels = [rf"\b{re.escape(name)}\s*=\s*", rf"(?:\"|&quot;){re.escape(name)}(?:\"|&quot;)\s*:\s*"]
        case ("parameters", *_, "default"):
            labels = [f"(?i:Default){GAP}:{GAP}", "<td>"]
        case ("parameters", *_, "minimum"):
            labels = [f"Range:{GAP}", r"min\s*:\s*", "<td>"]
        case ("parameters", *_, "maximum"):
            low = re.escape(literal(value_at(spec, path[:-1]).get("minimum")))
            labels = [rf"Range:{GAP}{low}\s*-\s*", r"max\s*:\s*", rf"<td>{low}\s*-\s*"]
        case _:
            return []
    found = []
    for label in labels:
        for how in ("plain", "python", "html"):
            for match in re.finditer(f"(?:{label})({re.escape(form(value, how))})(?![\\d.])", text):
                cell = text.count("<td>", text.rfind("<tr>", 0, match.start()), match.start(1))
                if label.startswith("<td>") and cell != (4 if path[-1] == "default" else 5):
                    continue
                if path[0] != "parameters" or owner(text, match.start(), spec) == path[-2]:
                    found.append((*match.span(1), how))
    return found


def owner(text: str, at: int, spec: Mapping[str, Any]) -> str | None:
    """Returns the parameter whose block contains an offset, or None."""
    names = "|".join(sorted(map(re.escape, names_of(spec["parameters"])), key=len, reverse=True))
    flags = rf"{GAP}(?:required|optional)|(?:enum:)?(?:str|int|float|boolean)\b|(?<=<tr><td>)"
    heads = list(re.finditer(rf"({names})(?:{flags})|<tr><td>({names})<", text[:at]))
    return (heads[-1][1] or heads[-1][2]) if heads else None


def names_of(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of parameters and of their properties, at any depth."""
    for name, one in parameters.items():
        yield name
        for part in (one, one.get("items", {})):
            yield from names_of(part.get("properties", {}))


def sweep(page: bytes, text: str, source: SourceFile, given: Iterator[Damage]) -> tuple[Counter[str], list[str]]:
    """Applies each damage. Returns the counts, and a line for each wrong write."""
    counts: Counter[str] = Counter()
    notes = []
    before = yaml.load(text, yaml.CSafeLoader)
    for damage in given:
        counts["damages"] += 1
        after = written(damage, text, source)
        if after == text:
            continue
        plain, wrong = judge(damage, page, before, yaml.load(after, yaml.CSafeLoader))
        counts["plain changes, written"] += plain
        counts["wrong writes"] += bool(wrong)
        notes += [f"byte {damage.at} {damage.kind}: {one}" for one in wrong]
    return counts, notes
