"""Reads the default, allowed values and range after a parameter's description, with or without labels.

A rendering may join them to each other and to the next parameter's name. Facts with several readings are undecided.
"""

from dataclasses import replace
from typing import Any

from segforge.pages.layouts.numbers import has_lost_digit, is_steady, number_of, splits
from segforge.pages.layouts.tokens import KINDS, UNEVEN, Mark, Scan, Token, Values
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Value


def read_values(
    text: str, start: int, end: int, type_: str, sample: Value = None, *, bare: bool = True, loose: bool = True
) -> Values:
    """Reads values from `start` on. Returns them with the offset of the first text that is not a value.

    `type_` is the parameter's type, and `sample` its value in the page's sample. `bare` allows values without a label,
    and `loose` allows values that are joined to a name.
    """
    scan = Scan(text, end, type_, bare=bare, loose=loose)
    values = scan.run(start)
    _Meaning(scan, values, type_, sample).settle()
    return values


class _Meaning:
    """Decides the meaning of tokens, or leaves it undecided."""

    def __init__(self, scan: Scan, values: Values, type_: str, sample: Value) -> None:
        self.scan, self.values, self.type, self.sample = scan, values, type_, sample
        self._joined = False
        """Whether the allowed values were joined digits, separated by their even steps."""

    def settle(self) -> None:
        if self.scan.range is not None:
            low, high = self.scan.range
            gap = self.scan.text[low.end : high.start]
            sure, why = self._tidy(low.start, high.end)
            numbers = [self.scan.text[one.start : one.end] for one in (low, high)]
            if len(gap.lstrip()) != len(gap.rstrip()) or any(map(has_lost_digit, numbers)):
                sure, why = CONVENTION, UNEVEN
            for key, token in (("minimum", low), ("maximum", high)):
                self.values.facts[key] = Mark(token.value, token.start, token.end, sure, why)
        if self.scan.default is not None:
            self._default(self.scan.default)
        elif self.scan.bare:
            self._unlabelled()
        if self.scan.label is not None:
            self._enum(self.scan.allowed, labelled=True)

    def _default(self, token: Token) -> None:
        if token.kind == "numbers":
            whole = number_of(token.value)
            if whole is None or has_lost_digit(token.value):
                self._ask("default", (), token, "the digits are not a number")
            else:
                self._fact("default", whole, token, *self._tidy(token.start, token.end))
        elif token.kind == "raw":
            self._fact("default", token.value, token, CONVENTION, "labelled, but not in quotes")
        else:
            self._fact("default", token.value, token)

    def _tidy(self, start: int, end: int) -> tuple[float, str]:
        """Returns the confidence of labelled numbers and its reason.

        An extra blank may have replaced a digit, and a digit the end of a line.
        """
        before, after = self.scan.text[start - 2 : start], self.scan.text[end : end + 1]
        uneven = (before.isspace() and "\n" not in before) or before.endswith(":") or after in (" ", "\t")
        uneven |= before.endswith("\n") and after not in ("", "\n")
        return (CONVENTION, UNEVEN) if uneven else (CERTAIN, "labelled")

    def _unlabelled(self) -> None:
        first, rest = self.scan.bare[0], self.scan.bare[1:]
        if first.kind == "numbers" and not rest:
            self._glued(first)
            return
        if first.kind == "numbers":
            self._numbers([token for token in (first, *rest) if token.kind == "numbers"])
        elif rest or self.scan.more:
            self._several([first, *rest])
        else:
            self._fact("default", first.value, first, LIKELY, "the value after the description")

    def _numbers(self, tokens: list[Token]) -> None:
        """Reads a default and allowed values. The allowed values may be joined."""
        first, last = number_of(tokens[0].value), tokens[-1]
        readings = (
            [one for one in splits(last.value) if first in one and len(set(one)) == len(one)]
            if len(tokens) == 2
            else []
        )
        if len(readings) > 1:
            why = "adjacent numbers without a separator"
            self._fact("default", first, tokens[0], LIKELY, "the value after the description")
            self._ask("enum", tuple(list(one) for one in readings[:8]), last, why)
            self._ask("enum_total", tuple(dict.fromkeys(len(one) for one in readings[:8])), last, why)
            return
        values: list[Value] = list(readings[0]) if readings else [number_of(token.value) for token in tokens[1:]]
        places = [last] * len(values) if readings else tokens[1:]
        self._several(
            [
                replace(token, kind="number", value=value)
                for token, value in zip([tokens[0], *places], [first, *values], strict=True)
            ]
        )

    def _several(self, tokens: list[Token]) -> None:
        """Reads the first value as the default and the rest as allowed values, if they contain the default."""
        first, rest = tokens[0], tokens[1:]
        known = [token.value for token in rest]
        if first.value in known or first.value is None:
            self._fact("default", first.value, first, LIKELY, "the first value, which the list repeats")
            self._enum(rest, labelled=False)
            return
        why = "the first value is not among the others: a default that they don't show, or a list without a default"
        self._ask("default", (first.value,), first, why)
        whole = Token("text", None, first.start, tokens[-1].end)
        self._ask("enum", (known, [first.value, *known]) if known else ([first.value],), whole, why)
        more = self.scan.more.value if self.scan.more else 0
        self._ask("enum_total", (len(known) + more, len(known) + 1 + more), whole, why)

    def _glued(self, token: Token) -> None:
        """Reads digits without a label: one default, or a default joined to allowed values."""
        whole = number_of(token.value)
        cuts = splits(token.value)
        too_many = whole is not None and not cuts
        readings = [one for one in cuts if one[0] in one[1:] and len(set(one[1:])) == len(one) - 1]
        if isinstance(self.sample, int | float) and self.scan.more is None:
            readings = [
                one for one in readings if self.sample in one[1:]
            ]  # a complete list contains the sample's value
        bounded = (
            self.scan.range is not None
            and whole is not None
            and self.scan.range[0].value <= whole <= self.scan.range[1].value
        )
        alone = not readings and not too_many
        if whole is not None and self.scan.more is None and (alone or self.sample == whole or bounded):
            self._fact(
                "default",
                whole,
                token,
                LIKELY if bounded or self.sample == whole else CONVENTION + 0.1,
                "the value after the description",
            )
            return
        why = "adjacent numbers without a separator"
        self._ask(
            "default",
            tuple(dict.fromkeys([*([] if whole is None else [whole]), *(split[0] for split in readings)])),
            token,
            why,
        )
        lists = [list(split[1:]) for split in readings] or [list(split) for split in splits(token.value)[:8]]
        self._ask("enum", tuple(lists[:8]), token, why)
        more = self.scan.more.value if self.scan.more else 0
        self._ask("enum_total", tuple(dict.fromkeys(len(one) + more for one in lists[:8])), token, why)

    def _enum(self, tokens: list[Token], *, labelled: bool) -> None:
        where = tokens[0] if tokens else self.scan.label
        if where is None:
            return
        place = replace(where, end=tokens[-1].end if tokens else where.end)
        known = self._known(tokens, place)
        more = self.scan.more.value if self.scan.more else 0
        if known is None:
            if self.scan.total:
                self._fact("enum_total", self.scan.total.value, self.scan.total)
            return
        confidence, why = (CERTAIN, "labelled") if labelled else (LIKELY, "the values after the first one")
        if self._joined:
            confidence, why = CONVENTION, "joined digits; only these values have even steps and contain the default"
        stated = self.scan.total.value if self.scan.total else len(known) + more
        if not known:
            self._ask("enum", (), place, "no value follows the label of allowed values")
            return
        self._fact("enum", known, place, confidence, why)
        if self.scan.labels:
            self._fact("enum_labels", list(self.scan.labels), place, confidence, why)
        if stated != len(known) + more:
            self._ask(
                "enum_total",
                (stated, len(known) + more),
                place,
                "the stated total differs from the number of values shown",
            )
        else:
            self._fact("enum_total", stated, self.scan.total or self.scan.more or place, confidence, why)

    def _known(self, tokens: list[Token], place: Token) -> list[Value] | None:
        """Returns the allowed values, or None if they are joined digits that can't be separated."""
        if not any(token.kind == "numbers" for token in tokens):
            return [token.value for token in tokens]
        if len(tokens) > 1:
            return [number_of(token.value) if token.kind == "numbers" else token.value for token in tokens]
        total = self.scan.total.value - (self.scan.more.value if self.scan.more else 0) if self.scan.total else None
        default = self.values.facts["default"].value if "default" in self.values.facts else None
        readings = [split for split in splits(tokens[0].value) if len(set(split)) == len(split)]
        readings = [split for split in readings if total is None or len(split) == total]
        if default is not None and self.scan.more is None:
            readings = [split for split in readings if default in split]
        if len(readings) == 1:
            return list(readings[0])
        steady = [split for split in readings if is_steady(split)]
        if len(steady) == 1 and default is not None and self.scan.more is None:
            self._joined = True
            return list(steady[0])
        self._ask(
            "enum",
            tuple(list(split) for split in readings[:8]),
            place,
            "adjacent numbers without a separator",
        )
        if total is None:
            counts = tuple(
                dict.fromkeys(len(split) + (self.scan.more.value if self.scan.more else 0) for split in readings[:8])
            )
            self._ask("enum_total", counts, place, "adjacent numbers without a separator")
        return None

    def _fact(self, key: str, value: Value, token: Token, confidence: float = CERTAIN, why: str = "labelled") -> None:
        self.values.facts[key] = Mark(value, token.start, token.end, confidence, why)

    def _ask(self, key: str, candidates: tuple[Value, ...], token: Token, why: str) -> None:
        self.values.open[key] = candidates, token.start, token.end, why


def fits(value: Any, type_: str) -> bool:
    """Returns whether a value has a type as pages name it. True for null, and for any value of an unknown type."""
    if "|" in type_:
        return any(fits(value, one.strip()) for one in type_.split("|"))
    if value is None:
        return True
    if type_.endswith("[]"):
        return isinstance(value, list) and all(fits(item, type_[:-2]) for item in value)
    if type_ in ("object", "array"):
        return isinstance(value, dict if type_ == "object" else list)
    if type_ not in KINDS:
        return True
    if type_ == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, KINDS[type_]) and (type_ == "boolean" or not isinstance(value, bool))
