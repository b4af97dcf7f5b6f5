"""Reference page of the rules: those of the contract tests, and those of `check-usage`."""

from collections.abc import Iterator

from docs.building.tables import code, table, words
from segforge.spec.catalog import Catalog
from segforge.usage.rules import FAMILIES
from segforge_contract.reports.why import HOW, Explanation, explanations
from segforge_contract.rules.table import RULES

INTRODUCTION = """# Rules

A rule is something that a gateway must do. The contract tests send requests that test each rule, and name the rule of
each failure. `segforge contract explain RULE` prints a sample request, too.
"""

TITLES = {
    "parameter": "Rules about a parameter",
    "request": "Rules about a request",
    "answer": "Rules about every answer",
    "job": "Rules about a job",
    "relation": "Rules between several answers",
    "stage": "Rules that need a situation",
    "house": "Rules of your own",
}

USAGE = """## Rules of check-usage

`segforge check-usage` reads code and reports calls that break one of these. A name with a dot at its end is a family:
the part after the dot is the same as in a rule about a parameter.
"""


def rules_page(catalog: Catalog) -> str:
    """Returns the page of all rules."""
    found = list(explanations(catalog, (), tuple(RULES)))
    parts = [INTRODUCTION]
    for family, title in TITLES.items():
        listed = [one for one in found if one.rule.family == family]
        if listed:
            how = HOW[listed[0].rule.family]
            parts += [f"## {title}\n", f"How they are tested: {words(how)}.\n"]
            parts.append(table(("rule", "promise", "status", "source"), map(_row, listed)))
            whys = {one.why: f"{one.rule.name.partition('.')[0]}." for one in listed}
            parts.append(table(("rules", "why they matter"), ((code(name), words(why)) for why, name in whys.items())))
    parts += [USAGE, table(("rule", "fact"), ((code(_family(name)), words(text)) for name, text in FAMILIES.items()))]
    return "\n".join(parts)


def _family(name: str) -> str:
    return name if "." in name else f"{name}."


def _row(one: Explanation) -> tuple[str, ...]:
    rule = one.rule
    return code(rule.name), words(rule.promise), "; ".join(_kept(one)), words(rule.source)


def _kept(one: Explanation) -> Iterator[str]:
    """Yields the statuses that keep a rule, for each profile and version that expects others."""
    by_place: dict[tuple[str, str], list[str]] = {}
    for each in one.expectations:
        by_place.setdefault((each.profile, each.version), []).append(str(each.status))
    grouped: dict[str, list[str]] = {}
    for (profile, version), statuses in by_place.items():
        grouped.setdefault(" or ".join(dict.fromkeys(statuses)), []).append(f"{profile} {version}")
    for status, places in grouped.items():
        yield words(status if len(grouped) == 1 else f"{status}: {', '.join(places)}")
