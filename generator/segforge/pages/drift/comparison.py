"""The comparison of one page with one spec: differences with their places, and the facts that stay open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segforge.pages.drift.difference import ABSENT, APPLIED_FROM, Difference, Kind, Place, readings
from segforge.pages.page import Page, Span
from segforge.spec.source import Location, SourceFile


@dataclass(frozen=True)
class Compared:
    """One page, its spec, and what the comparison collects beside differences.

    `gateway` is the file of the facts that all models share, if the page is compared with it.
    """

    page: Page
    source: SourceFile
    gateway: SourceFile | None = None
    notes: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    @property
    def data(self) -> Mapping[str, Any]:
        """The data of the spec, in which the facts of shared shapes are in place of their names."""
        return self.source.data  # type: ignore[no-any-return]  # the data of a checked file

    @property
    def unnamed(self) -> dict[str, str]:
        """The readings of undecided names, each with the reason for the doubt."""
        doubts = [one.undecided["name"] for one in self.page.parameters if "name" in one.undecided]
        return {name: f"{readings(one)}; {one.why}" for one in doubts for name in one.candidates}

    def spec_place(self, at: Location) -> Place:
        """Returns the place of a fact in the spec file, or of the nearest value around it."""
        while at and at not in self.source.values:
            at = at[:-1]
        return Place(self.source.name, *self.source.values.get(at, (1, 1)))

    def page_place(self, span: Span | None) -> Place:
        """Returns a place on the page. Without a span it is the start."""
        return Place(self.page.name, span.line, span.column) if span is not None else Place(self.page.name, 1, 1)

    def make(
        self,
        at: Location,
        rule: str,
        kind: Kind,
        spec: Any,
        page: Any,
        span: Span | None,
        *,
        sure: float = 1.0,
        why: str = "",
    ) -> Difference:
        """Returns a difference. `sure` is the confidence of the page's fact; `why` is the reason if it is undecided."""
        doubt = self.unnamed.get(str(at[1])) if len(at) > 1 and at[0] == "parameters" else None
        if doubt is not None:
            sure, why = 0.0, f"the name is undecided: {doubt}"
        elif shape := self.shape(at):
            sure, why = 0.0, f"the fact is part of the shared shape {shape}; change specs/shapes/{shape}.yaml by hand"
        elif page is ABSENT and self.page.layout.endswith("/glued"):
            sure, why = 0.0, "the page's text is joined, so the fact may be in another place"
        places = self.spec_place(at), self.page_place(span)
        return Difference(self.data["slug"], at, rule, kind, spec, page, *places, sure >= APPLIED_FROM, why)

    def shape(self, at: Location) -> str | None:
        """Returns the name of the shared shape that a fact of the spec comes from, or None if the file states it."""
        if at in self.source.values:
            return None
        data: Any = self.data
        found = None
        for step in at:
            if isinstance(data, Mapping):
                found = data.get("shape", found) if data is not self.data else found
                data = data.get(str(step))
            else:
                data = data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None
        return found if isinstance(found, str) else None
