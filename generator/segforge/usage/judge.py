"""Judges the uses of the gateway by the specs. Each finding rests on a fact of the specs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, Literal

from segforge.spec.catalog import Model, Parameter, Unlisted
from segforge.spec.finding import Finding
from segforge.spec.identifiers import words
from segforge.spec.price import Estimate, estimate, listed_estimate, model_estimate, seconds_of
from segforge.spec.printable import show
from segforge.spec.search import meant, near_slugs
from segforge.spec.values import Violation, broken_conditions, json_type, type_matches, value_violations, violations
from segforge.usage.knowledge import Knowledge
from segforge.usage.rules import GONE
from segforge.usage.shown import UNSEEN, Entries, Gone, Position, Unseen, Use, plain

_NUMERIC: Final = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]*)?\s*")
_DIGITS: Final = re.compile(r"[0-9]+")
_LONG_WORD: Final = 4


class Judge:
    """Judges the uses in one file, under the name that findings show."""

    def __init__(self, known: Knowledge, file: str) -> None:
        self._known, self._file = known, file
        self._named: set[tuple[Position, str]] = set()

    def findings(self, uses: Iterable[Use | Gone]) -> Iterator[Finding]:
        """Yields the findings about uses. A slug is judged once for each place where it stands."""
        for use in uses:
            if isinstance(use, Gone):
                yield self._finding(use.at, *GONE[use.name])
                continue
            slug = self.slug(use)
            if (use.at, use.slug) not in self._named:
                self._named.add((use.at, use.slug))
                yield from self._of_slug(use, slug)
            model = self._known.model(slug) if slug is not None else None
            if model is not None:
                yield from self._of_call(use, model)

    def slug(self, use: Use) -> str | None:
        """Returns the known slug of a use; None if it isn't known. An attribute of a client is written differently."""
        if use.kind == "attribute":
            return self._known.attributes.get(use.slug.rstrip("_"))
        return use.slug if use.slug in self._known.slugs else None

    def price(self, use: Use, slug: str) -> Estimate | None:
        """Returns what a call costs by its sources, or None. A length of the output that the code shows counts."""
        known = self._known
        model = known.model(slug)
        if model is None:
            return listed_estimate(known.gateway, known.directory, slug)
        name = model.returns.controls.duration
        shown = use.payload.get(name) if use.payload is not None and name is not None else None
        length = seconds_of(shown)
        if length is None:
            return model_estimate(known.gateway, model)
        return estimate(known.gateway, model.price, model.average, (length, length))

    def _of_slug(self, use: Use, slug: str | None) -> Iterator[Finding]:
        directory = self._known.directory
        unlisted = directory.unlisted.get(slug or "")
        if slug is None:
            yield self._unknown(use)
        elif unlisted is not None and (unlisted.state == "retired" or slug not in directory.listings):
            yield self._unlisted(use, unlisted)

    def _unlisted(self, use: Use, unlisted: Unlisted) -> Finding:
        if unlisted.state == "retired":
            found = f"{use.slug} is retired: {unlisted.why} ({unlisted.source})"
            return self._finding(use.at, "slug.retired", found, "a model that the gateway serves", "call another model")
        found = f"{use.slug} is not in the vendor's list of models: {unlisted.why} ({unlisted.source})"
        mend = "check that the model still answers, or call another one"
        return self._finding(use.at, "slug.unlisted", found, "a listed model", mend, warning=True)

    def _unknown(self, use: Use) -> Finding:
        known, written = self._known, use.slug
        if use.kind == "attribute":
            written = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", use.slug).lower().replace("_", "-")
        near = near_slugs(written, known.slugs)
        misspelt = next((slug for slug in near if is_misspelling(written, slug)), None)
        what = (
            f"the client has no model {use.slug}" if use.kind == "attribute" else f"no model {show(use.slug)} is known"
        )
        if misspelt is not None:
            write = self._attribute(misspelt, use.slug) if use.kind == "attribute" else misspelt
            return self._finding(use.at, "slug.misspelt", what, write, f"write {write}")
        hint = meant(near, "`segforge directory search WORD` finds models")
        expected = f"a model of the vendor's list of {known.directory.read}, or one of your own account"
        return self._finding(use.at, "slug.unknown", what, expected, hint, warning=use.kind != "attribute")

    def _attribute(self, slug: str, written: str) -> str:
        """Returns the attribute of a model, in the language whose attribute looks most like the written one."""
        attributes = [name for name, known in self._known.attributes.items() if known == slug]
        return next(iter(near_slugs(written, attributes, 1)), slug)

    def _of_call(self, use: Use, model: Model) -> Iterator[Finding]:
        if use.bearer is not None and model.level == "complete" and "bearer" not in model.auth:
            header = self._known.gateway.auth.header
            found = f"the key of {model.slug} is sent as a Bearer token"
            yield self._finding(
                use.bearer, "auth.bearer", found, f"the header {header}, as its page prints", f"send {header}"
            )
        accepted = self._known.gateway.content_types
        if use.encoding and use.encoding not in accepted:
            found = f"the parameters are sent as {show(use.encoding)}"
            yield self._finding(use.call, "body.encoding", found, " or ".join(accepted), "send them as JSON")
        if use.payload is None:
            return
        if model.level == "complete":
            yield from self._unknown_names(use.payload, model)
        yield from self._of_values(use, use.payload, model)
        if use.payload.whole:
            yield from self._of_whole(use, use.payload, model)

    def _unknown_names(self, payload: Entries, model: Model) -> Iterator[Finding]:
        names = model.parameters_by_name
        for entry in payload.entries:
            if entry.name not in names:
                mend = meant(near_slugs(entry.name, names, 1), "remove it; the gateway ignores it")
                found = f"{model.slug} has no parameter {show(entry.name)}"
                expected = f"one of {show(list(names), 400)}"
                yield self._finding(entry.position, "parameter.unknown", found, expected, mend, warning=True)

    def _of_values(self, use: Use, payload: Entries, model: Model) -> Iterator[Finding]:
        for entry in payload.entries:
            parameter = model.parameters_by_name.get(entry.name)
            if parameter is None or use.form == "text":
                continue
            value = plain(entry.value)
            if value is None and use.form == "client":  # a client may leave it out
                continue
            for violation in _violations(parameter, value, entry.name):
                numeric = _is_numeric(violation, value)
                warning = numeric or violation.rule.startswith(("format.", "null."))
                found = f"{model.slug}: {violation.parameter}: {violation.message}"
                mend = "send a number; only some models convert text" if numeric else "send a value that the docs allow"
                expected = f"what {model.source.url} states"
                yield self._finding(entry.position, violation.rule, found, expected, mend, warning=warning)

    def _of_whole(self, use: Use, payload: Entries, model: Model) -> Iterator[Finding]:
        """Yields the parameters that a payload lacks, and the conditions that it breaks."""
        data = {entry.name: plain(entry.value) for entry in payload.entries}
        absent = [one for one in model.parameters if one.name not in data]
        hidden = {name for name, value in data.items() if _hides(value)}
        decided = tuple(one for one in model.conditions if not hidden & set(one.names))
        expected = f"what {model.source.url} states"
        missing = [violation.parameter for violation in violations(absent, data)]
        if missing:
            found = f"{model.slug} requires {', '.join(missing)}"
            yield self._finding(use.call, "required.missing", found, expected, "send what is required")
        for rule, name, message in broken_conditions(replace(model, conditions=decided), data):
            found = f"{model.slug}: {name}: {message}"
            yield self._finding(use.call, rule, found, expected, "change the parameters")

    def _finding(
        self, at: Position, rule: str, found: str, expected: str, mend: str, *, warning: bool = False
    ) -> Finding:
        severity: Literal["warning", "error"] = "warning" if warning else "error"
        return Finding(self._file, at.line, at.column, rule, found, expected, mend, severity)


def _violations(parameter: Parameter, value: Any, at: str) -> Iterator[Violation]:
    """Yields the violations of a value, as far as the code shows it."""
    if not _hides(value):
        yield from value_violations(parameter, value, at=at)
    elif isinstance(value, Unseen):
        return
    elif not type_matches(value, parameter.type):
        found = json_type(value)
        yield Violation(f"type.{found}_for_{parameter.type}", at, f"an {found} is not of type {parameter.type}")
    elif isinstance(value, list) and parameter.items is not None:
        for index, item in enumerate(value):
            yield from _violations(parameter.items, item, f"{at}[{index}]")
    elif isinstance(value, dict):
        for part in parameter.properties:
            yield from _violations(part, value.get(part.name, UNSEEN), f"{at}.{part.name}")


def _hides(value: Any) -> bool:
    """Returns whether the code doesn't show all of a value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Unseen):
            return True
        waiting += one if isinstance(one, list) else one.values() if isinstance(one, dict) else ()
    return False


def _is_numeric(violation: Violation, value: object) -> bool:
    """Returns whether a text stands for the number that is expected. Some models were seen to convert it."""
    wanted = violation.rule in ("type.string_for_integer", "type.string_for_number")
    return wanted and isinstance(value, str) and _NUMERIC.fullmatch(value) is not None


def is_misspelling(written: str, slug: str) -> bool:
    """Returns whether a slug differs from another by its case, its separators, or by one letter of a long word."""
    one, other = words(written), words(slug)
    if "".join(one) == "".join(other):
        return True
    different = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    if len(one) != len(other) or len(different) != 1:
        return False
    [(wrong, right)] = different
    long = min(len(wrong), len(right)) >= _LONG_WORD
    return long and _DIGITS.findall(wrong) == _DIGITS.findall(right) and _is_one_edit(wrong, right)


def _is_one_edit(one: str, other: str) -> bool:
    """Returns whether one letter was added, left out or replaced, or two neighbours were swapped."""
    short, long = sorted((one, other), key=len)
    at = next((index for index, letter in enumerate(short) if letter != long[index]), len(short))
    if len(short) == len(long):
        swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
        return short[at + 1 :] == long[at + 1 :] or swapped
    return len(long) == len(short) + 1 and short[at:] == long[at + 1 :]
