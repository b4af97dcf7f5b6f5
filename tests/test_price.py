"""A printed price in a spec reaches the OpenAPI document, both clients, the mock and the plan of a campaign."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from segforge import Catalog, check_specs, load_catalog
from segforge.cli import main
from segforge.emit.openapi.document import document
from segforge.emit.pipeline import emit
from segforge.spec.catalog import Assumption, Choices, Model, Parameter, Price, PriceUnit
from segforge.spec.changes import model_changes
from segforge.spec.price import highest_credits, model_estimate, usual_credits
from segforge.spec.sentences import sentence
from segforge_contract import Request
from segforge_contract.engine.price import prices_of
from tests.catalogs import drawn_models
from tests.emit.test_hostile_text import TEXT
from tests.seeds import costing

SLUG = "flux-img2img"
COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
PRINTED = "$0.400 - $1.20 per generation"
PRICE = Price(PRINTED, from_=0.4, to=1.2, unit="generation")
FACTS = {"printed": PRINTED, "from": 0.4, "to": 1.2, "unit": "generation"}


def with_price(specs: Path, price: str) -> Path:
    """Writes a price, in YAML, into a spec. Returns the path of the spec."""
    path = specs / "models" / f"{SLUG}.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("\ntypical_seconds:", f"\nprice: {price}\ntypical_seconds:"), "utf-8")
    return path


def priced(catalog: Catalog, price: Price | None = PRICE, *, usd: float | None = None, factor: float = 3) -> Catalog:
    """Returns the catalog with only one model, which has this price and this average cost."""
    model = costing(replace(catalog.model(SLUG), price=price), usd)
    assumptions = {**catalog.gateway.assumptions, "price_factor": Assumption(factor, "a test")}
    return replace(catalog, models=(model,), gateway=replace(catalog.gateway, sample=SLUG, assumptions=assumptions))


def emitted(catalog: Catalog, *emitters: str) -> Mapping[str, str]:
    return {str(artifact.path): artifact.text for artifact in emit(catalog, emitters)}


def test_a_spec_holds_the_price(specs: Path) -> None:
    with_price(specs, f'{{printed: "{PRINTED}", from: 0.40, to: 1.20, unit: generation}}')
    assert load_catalog(specs).model(SLUG).price == PRICE
    assert PRICE.facts == FACTS


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ('{printed: "~$0.172", from: 0.172, to: 0.172}', Price("~$0.172", 0.172, 0.172)),
        ('{printed: "from $.05", from: 0.05}', Price("from $.05", 0.05)),
        ('{printed: "up to $1,200.50", to: 1200.5}', Price("up to $1,200.50", to=1200.5)),
        ('{printed: "$2.50 per 1M tokens", to: 2.5, unit: token}', Price("$2.50 per 1M tokens", to=2.5, unit="token")),
        ('{printed: "varies per second", unit: second}', Price("varies per second", unit="second")),
        (
            '{printed: "0.125 per second of input", to: 0.125, unit: input_second}',
            Price("0.125 per second of input", to=0.125, unit="input_second"),
        ),
        (
            '{printed: "$1 per second of source video", to: 1, unit: input_second}',
            Price("$1 per second of source video", to=1, unit="input_second"),
        ),
        (
            '{printed: "$1 per generation of 5 seconds", to: 1, unit: generation}',
            Price("$1 per generation of 5 seconds", to=1, unit="generation"),
        ),
    ],
)
def test_a_price_states_only_what_is_printed(specs: Path, text: str, price: Price) -> None:
    with_price(specs, text)
    assert load_catalog(specs).model(SLUG).price == price


def test_a_text_with_numbers_but_no_ends_is_a_warning_at_its_place(specs: Path) -> None:
    path = with_price(specs, '{printed: "$0.05"}')
    line = path.read_text("utf-8").split("price:")[0].count("\n") + 1
    _, findings = check_specs(specs)
    (found,) = [finding for finding in findings if finding.rule == "price.number"]
    assert (found.line, found.column, found.severity) == (line, 1, "warning")


def test_random_catalogs_have_prices() -> None:
    prices = [model.price for model in drawn_models(40)]
    assert None in prices
    assert any(price is not None for price in prices)


def test_openapi_states_the_price_of_run_and_submit(catalog: Catalog) -> None:
    catalog = priced(catalog)
    whole = document(catalog.gateway, catalog.models)
    OpenAPIV31SpecValidator(whole).validate()
    paths = whole["paths"]
    for version in ("v1", "v2"):
        operation = paths[f"/{version}/{SLUG}"]["post"]
        assert operation["x-price"] == FACTS
        assert operation["description"] == f"Price: {PRINTED}."
    assert json.dumps(paths).count("x-price") == 2
    assert "x-price" not in json.dumps(document(catalog.gateway, priced(catalog, None).models))


def test_the_docs_of_both_clients_show_the_price(catalog: Catalog) -> None:
    files = emitted(priced(catalog), "python", "typescript")
    shown = [path for path, text in files.items() if f"Price: {PRINTED}." in text.replace("\\$", "$")]
    assert sorted(shown) == [
        "python/reference.md",
        "python/segmind_client/models/flux_img2img.py",
        "typescript/reference.md",
        "typescript/src/models/flux-img2img.ts",
    ]


def test_a_price_is_a_row_of_the_typescript_client_that_no_module_of_a_model_holds(catalog: Catalog) -> None:
    """The rest is in comments only, which bundlers remove."""
    without, with_ = (
        {path: COMMENT.sub("", text) for path, text in emitted(priced(catalog, price), "typescript").items()}
        for price in (None, PRICE)
    )
    changed = {path for path, text in with_.items() if text != without[path]}
    assert changed == {"typescript/reference.md", "typescript/src/prices.ts"}
    assert f'["{SLUG}", [null, 1.2, 0.4, ' in with_["typescript/src/prices.ts"]


def test_the_mock_s_module_holds_the_price(catalog: Catalog) -> None:
    catalog = priced(catalog)
    names: dict[str, Model] = {}
    exec(emitted(catalog, "mock")["mock/segmind_mock/models/flux_img2img.py"], names)
    assert names["MODEL"] == catalog.model(SLUG)


@settings(max_examples=4)
@given(texts=st.lists(TEXT, min_size=5, max_size=5))
def test_a_hostile_price_stays_one_line_of_the_references(catalog: Catalog, texts: list[str]) -> None:
    models = [replace(model, price=Price(text)) for model, text in zip(catalog.models, texts, strict=True)]
    files = emitted(replace(catalog, models=tuple(models)), "python", "typescript")
    plain = emitted(catalog, "python", "typescript")
    for path in ("python/reference.md", "typescript/reference.md"):
        lines = files[path].split("\n")
        prices = [index for index, line in enumerate(lines) if line.startswith("Price: ")]
        assert not [lines[index] for index in prices if re.search(r"(?<!\\)(?:\\\\)*[`<|$]", lines[index])]
        for index in reversed(prices):
            del lines[index : index + 2]
        assert (len(prices), "\n".join(lines)) == (5, plain[path])


CHEAPER = Price("$0.300 - $1.20 per generation", 0.3, 1.2, "generation")


@pytest.mark.parametrize(
    ("old", "new", "rule", "text"),
    [
        (CHEAPER, PRICE, "raised", f'calls cost more now; the price is "{PRINTED}" (was "{CHEAPER.printed}")'),
        (PRICE, CHEAPER, "lowered", f'calls cost less now; the price is "{CHEAPER.printed}" (was "{PRINTED}")'),
        (PRICE, Price("$0.500 - $1", 0.5, 1, "generation"), "changed", f'the price is "$0.500 - $1" (was "{PRINTED}")'),
        (PRICE, Price("from $9", 9, unit="generation"), "changed", f'the price is "from $9" (was "{PRINTED}")'),
        (PRICE, replace(PRICE, to=2), "changed", "the facts of its price were corrected"),
        (PRICE, replace(PRICE, unit="second"), "changed", "the facts of its price were corrected"),
        (None, PRICE, "changed", f'the price is "{PRINTED}" (was not known)'),
        (PRICE, None, "changed", f'the price is not known (was "{PRINTED}")'),
    ],
)
def test_a_changed_price_is_an_editorial_change_in_words(
    catalog: Catalog, old: Price | None, new: Price | None, rule: str, text: str
) -> None:
    one, two = (priced(catalog, price).models for price in (old, new))
    (change,) = model_changes(one, two)
    assert (change.at, change.rule, change.level) == ("price", f"price.{rule}", "editorial")
    assert sentence(change) == f"{SLUG}: {text}"
    stated = {"old": old and old.facts, "new": new and new.facts}
    assert change.to_json().items() >= {side: facts for side, facts in stated.items() if facts is not None}.items()
    assert model_changes(one, one) == []


@given(text=TEXT)
def test_a_hostile_price_stays_on_the_line_of_its_change(catalog: Catalog, text: str) -> None:
    (change,) = model_changes(priced(catalog, None).models, priced(catalog, Price(text)).models)
    assert len(sentence(change).splitlines()) == 1
    assert "\x1b" not in sentence(change)


def cost(catalog: Catalog) -> float | None:
    """Returns the most that a call of the only model costs, in credits."""
    return highest_credits(catalog.gateway, catalog.models[0])


def known(catalog: Catalog) -> list[str]:
    """Returns the slugs of the models that the sources price."""
    return list(prices_of(catalog.gateway, catalog.models, None).known)


def test_the_highest_of_the_printed_price_and_the_average_times_the_factor_counts(catalog: Catalog) -> None:
    assert cost(priced(catalog)) == 1.2
    assert cost(priced(catalog, usd=0.5)) == 1.5
    assert cost(priced(catalog, usd=0.3)) == 1.2
    assert cost(priced(catalog, None, usd=0.3)) == pytest.approx(0.9)
    one = priced(catalog, usd=0.3)
    found = model_estimate(one.gateway, one.models[0])
    assert found is not None
    assert (found.low, found.average) == (0.4, 0.3)
    assert PRINTED in found.source
    assert "0.3 USD" in found.source


@pytest.mark.parametrize(
    "price",
    [
        None,
        Price("from $0.40 per generation", 0.4, unit="generation"),
        Price("~$0.172", 0.172, 0.172),
        replace(PRICE, unit="second"),
        replace(PRICE, unit="input_second"),
        replace(PRICE, unit="token"),
    ],
)
def test_a_price_without_an_upper_end_of_a_call_prices_nothing_alone(catalog: Catalog, price: Price | None) -> None:
    assert cost(priced(catalog, price)) is None
    assert cost(priced(catalog, price, usd=2)) == 6
    assert known(priced(catalog, price)) == []
    assert known(priced(catalog, price, usd=2)) == [SLUG]


def test_the_least_a_call_costs_raises_the_estimate(catalog: Catalog) -> None:
    assert cost(priced(catalog, Price("from $0.40 per generation", 0.4, unit="generation"), usd=0.1)) == 0.4


def test_a_price_per_second_counts_for_the_longest_output(catalog: Catalog) -> None:
    price = replace(PRICE, unit="second")
    [model] = priced(catalog, price).models
    seconds = Parameter("seconds", "integer", False, "x", choices=Choices((4, 8, 12), 3))
    returns = replace(model.returns, controls=replace(model.returns.controls, duration="seconds"))
    timed = replace(model, parameters=(*model.parameters, seconds), returns=returns)
    assert cost(replace(catalog, models=(timed,))) == pytest.approx(1.2 * 12)
    more = replace(timed, parameters=(*model.parameters, replace(seconds, choices=Choices((4, 8, 12), 5))))
    assert cost(replace(catalog, models=(more,))) is None


def test_each_call_has_the_price_of_its_model_also_at_a_printed_path(catalog: Catalog) -> None:
    one = priced(catalog, None, usd=0.5)
    known = replace(one.models[0], paths={"v1": "/v1/models/{slug}/run"})
    prices = prices_of(one.gateway, [known, costing(replace(known, slug="cheap"), 0.01)], None)
    assert prices.of(Request("POST", f"/v1/models/{SLUG}/run")) == prices.worst == Decimal("1.5")
    assert prices.of(Request("POST", "/v1/cheap")) == prices.least == Decimal("0.03")
    assert prices.of(Request("POST", "/v1/another")) == prices.worst  # any model may answer there
    assert replace(prices, assumed=Decimal("0.1")).of(Request("POST", "/v1/another")) == Decimal("0.1")
    assert prices.cost({SLUG: 2, "cheap": 10, None: 1}) == Decimal("4.8")


@given(
    to=st.none() | st.floats(0, 100),
    usd=st.none() | st.floats(0, 100),
    factor=st.floats(1, 10),
    unit=st.sampled_from((None, "generation", "token")),
)
def test_no_estimate_is_below_a_stated_cost(
    catalog: Catalog, to: float | None, usd: float | None, factor: float, unit: PriceUnit | None
) -> None:
    found = cost(priced(catalog, Price("printed", to=to, unit=unit), usd=usd, factor=factor))
    stated = [amount for amount in (None if usd is None else usd * factor, to) if amount is not None]
    if found is None:
        assert usd is None
        assert to is None or unit == "token"
    else:
        assert max(stated) <= found <= max(stated) * 1.01


def test_every_model_costs_at_most_what_its_sources_say(whole_catalog: Catalog) -> None:
    """The upper end is at least the printed maximum, and the average times the stated factor."""
    gateway = whole_catalog.gateway
    factor = float(gateway.assumptions["price_factor"].value)
    for model in whole_catalog.models:
        found = model_estimate(gateway, model)
        average = model.average.usd if model.average is not None else None
        printed = model.price.to if model.price is not None else None
        assert found is not None or average is None
        reserved = highest_credits(gateway, model)
        for amount in (None if average is None else average * factor, printed):
            assert found is None or amount is None or reserved is None or reserved >= found.high >= amount
        assert found is None or found.low <= found.high


def test_credits_and_usd_have_one_rate(catalog: Catalog) -> None:
    one = priced(catalog, usd=0.1)
    dearer = replace(one.gateway, assumptions={**one.gateway.assumptions, "usd_per_credit": Assumption(0.5, "a test")})
    assert highest_credits(dearer, one.models[0]) == 2 * (highest_credits(one.gateway, one.models[0]) or 0)
    assert usual_credits(dearer, one.models[0]) == 0.2


def test_a_mock_bills_the_average_or_else_the_highest_price(catalog: Catalog) -> None:
    assumed = catalog.gateway.assumptions["credits_per_call"].value
    for usd, price, bill in ((0.3, PRICE, 0.3), (None, PRICE, 1.2), (None, None, assumed), (0, PRICE, 0)):
        assert usual_credits(catalog.gateway, priced(catalog, price, usd=usd).models[0]) == bill


def test_a_plan_announces_the_price(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_price(specs, f'{{printed: "{PRINTED}", from: 0.40, to: 1.20, unit: generation}}')
    command = ["contract", "--target", "http://127.0.0.1:9", "--specs", str(specs), "--models", SLUG, "--plan"]
    assert main([*command, "--max-spend", "2"]) == 0
    assert f"{SLUG} 1.2" in capsys.readouterr().out
    assert main([*command, "--max-spend", "1"]) == 2
    assert "doesn't cover one call of 1.2 credits" in capsys.readouterr().err


def test_a_cap_needs_the_price_of_each_tested_model(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = specs / "directory.yaml"
    text, count = re.subn(rf"(?m)(?<=^  {SLUG}: )(.*), usd: 0\.05", r"\1", path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    command = ["contract", "--target", "http://127.0.0.1:9", "--specs", str(specs), "--plan", "--max-spend", "2"]
    assert main([*command, "--models", SLUG, "style-transfer"]) == 2
    said = capsys.readouterr().err
    assert f"a call of {SLUG} may cost" in said
    assert "--assume-price" in said
    assert main([*command, "--models", "style-transfer"]) == 0
    assert main([*command, "--models", SLUG, "style-transfer", "--assume-price", "0.1"]) == 0
    assert "without a stated price: 0.1 credits" in capsys.readouterr().out
