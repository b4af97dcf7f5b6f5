"""The generated reference has everything, and no text of a spec becomes markup on the site."""

import argparse
import re
from functools import cache
from html import unescape

import pytest
from hypothesis import given
from markdown import Markdown
from mkdocs.config import load_config
from selectolax.lexbor import LexborHTMLParser

from docs.building.commands import commands_page, options_page
from docs.building.links import Origin, relinked
from docs.building.mocking import admin_page, scenarios_page
from docs.building.models import model_list, model_page
from docs.building.rules import rules_page
from segforge import Catalog
from segforge.cli import COMMANDS
from segforge_contract.rules.table import RULES
from segforge_mock.arguments import configure
from segforge_mock.faults.scenarios import scenarios
from tests.docs.pages import ROOT
from tests.emit.test_hostile_text import BOUNDED, NASTY, TEXTS, base, with_texts

PLAIN = {"a", "code", "em", "h1", "h2", "input", "label", "li", "ol", "p", "pre", "span", "strong"}
PLAIN |= {"table", "tbody", "td", "th", "thead", "tr", "ul", "div", "button", "br"}
"""The elements of a generated page."""

MARKUP = (
    "[x](javascript:1)",
    "![x](y)",
    "{: onclick=x }",
    "<b>",
    "<https://x.test>",
    "&lt;",
    '=== "x"',
    "a\n\n# x",
    "[^1]",
)


@cache
def renderer() -> Markdown:
    """The renderer of the site."""
    config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(ROOT / "docs"))  # the built pages may not exist yet
    return Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)


def rendered(page: str) -> LexborHTMLParser:
    return LexborHTMLParser(renderer().reset().convert(page))


def codes(page: str) -> set[str]:
    """The texts of a page that are code."""
    return {unescape(text) for text in re.findall(r"<code>(.*?)</code>", page)}


def test_every_command_and_option_is_on_the_page() -> None:
    page = commands_page()
    headings = set(re.findall(r"^##+ (segforge .*)$", page, re.MULTILINE))
    assert {f"segforge {name}" for name in COMMANDS} < headings
    assert {"segforge contract explain", "segforge directory show", "segforge record draft"} < headings
    parser = argparse.ArgumentParser(add_help=False)
    configure(parser)
    section = page.partition("## segforge mock\n")[2].partition("\n## ")[0]
    flags = {text.split()[0] for text in codes(section)}
    assert {action.option_strings[0] for action in parser._actions} <= flags
    assert "time-scale" in codes(options_page())
    assert "%(" not in page


def test_every_rule_scenario_and_call_is_on_its_page(catalog: Catalog) -> None:
    assert set(RULES) <= codes(rules_page(catalog))
    assert set(scenarios(catalog.gateway)) <= codes(scenarios_page(catalog.gateway))
    assert {"POST /_mock/jobs/finish", "GET /_mock/requests/wait"} <= codes(admin_page())


def test_a_model_has_its_facts(catalog: Catalog) -> None:
    page = rendered(model_page(catalog.gateway, catalog.model("flux-img2img")))
    [steps] = [row.text() for row in page.css("tr") if row.text().startswith("\nsteps\n")]
    assert "integer" in steps
    assert "Range: 1 to 50." in steps
    assert "simple" in page.body.text() if page.body else False
    assert model_list(catalog).count("](") == len(catalog.models)


def test_the_images_of_the_docs_are_shown_and_small() -> None:
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md"))
    images = sorted((ROOT / "docs").glob("*.png"))
    assert len(images) == 4
    assert [path.name for path in images if f"{path.name})" not in pages or path.stat().st_size > 150_000] == []


@BOUNDED
@given(texts=TEXTS)
def test_no_text_becomes_markup(texts: list[str]) -> None:
    catalog = with_texts(base(), [*texts, *NASTY, *MARKUP], names=False)
    for model in catalog.models:
        page = rendered(model_page(catalog.gateway, model))
        assert {node.tag for node in page.css("body *")} <= PLAIN
        assert not page.css("[onclick], [style]")
        assert all((link.attributes["href"] or "").startswith(("https:", "#")) for link in page.css("a[href]"))
        assert next(node.text() for node in page.css("h2")).startswith("Parameters")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](../README.md)", "[a](index.md)"),
        ("[a](how-to/ci.md#x) `[b](../c)`", "[a](how-to/ci.md#x) `[b](../c)`"),
        ("[a](../specs/gateway.yaml)", "[a](files/specs/gateway.yaml)"),
        ("![a](console-model.png)", "![a](console-model.png)"),
        ("[the `models`](../specs/models)", "the `models`"),
        ("[a](https://a.test/b) [c](#d)", "[a](https://a.test/b) [c](#d)"),
        ("[a](../nothing.md)", "[a](../nothing.md)"),
        ("```sh\n[a](../README.md)\n```\n", "```sh\n[a](../README.md)\n```\n"),
    ],
)
def test_links_lead_to_the_same_place_on_the_site(text: str, expected: str) -> None:
    page = Origin("docs/mock.md", "mock.md")
    assert relinked(text, page, ROOT, lambda file: f"files/{file}") == expected
