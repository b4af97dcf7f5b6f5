"""All generated pages of the reference."""

from collections.abc import Iterator

from docs.building.commands import commands_page, options_page
from docs.building.mocking import admin_page, scenarios_page
from docs.building.models import model_list, model_pages
from docs.building.rules import rules_page
from segforge import Catalog


def reference_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yields the place and the text of each generated page."""
    yield "reference/commands.md", commands_page()
    yield "reference/options.md", options_page()
    yield "reference/rules.md", rules_page(catalog)
    yield "reference/scenarios.md", scenarios_page(catalog.gateway)
    yield "reference/admin.md", admin_page()
    yield "reference/models.md", model_list(catalog)
    yield from model_pages(catalog)
