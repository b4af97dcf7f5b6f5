"""Wrong keys that resemble the right one, and the origin of the URLs of jobs."""

import pytest

from segforge import Catalog
from segforge_contract import plan, run
from segforge_contract.checks.urls import foreign_urls
from segforge_contract.engine.open import offered
from segforge_contract.engine.settings import Settings
from segforge_contract.errors import Misuse
from segforge_contract.messages.curl import curl
from segforge_contract.messages.request import WRONG_KEYS, Key, Request
from segforge_contract.targets.base import read_answer, request_headers
from tests.contract.campaigns import broken_rules, campaign, planned, session
from tests.contract.standin import KEY, StandIn

SLUG = "flux-ipadapter"
BODY = {"poll_url": "http://gateway.test/v1/requests/1", "output": "https://images.segmind.com/1.jpeg"}


@pytest.mark.parametrize("kind", WRONG_KEYS)
def test_wrong_key_is_another_one_and_no_report_shows_the_right_one(kind: Key) -> None:
    sent = request_headers(Request("GET", "/v1/x", kind), "x-api-key", KEY)["x-api-key"]
    assert sent != KEY
    answer = read_answer(401, {"x-refused": sent}, f'{{"error": "no account has {sent}"}}'.encode(), KEY)
    assert not answer.key_echoed
    assert KEY.lower() not in f"{answer!r} {curl(Request('GET', '/', kind), 'http://x')}".lower()


def test_a_key_without_letters_has_no_other_case() -> None:
    assert request_headers(Request("GET", "/", "recased"), "x-api-key", "12345678")["x-api-key"] != "12345678"


@pytest.mark.parametrize("base", ["http://gateway.test", "http://gateway.test:80", "http://GATEWAY.test/prefix"])
def test_urls_of_the_target_are_its_own(base: str) -> None:
    assert list(foreign_urls(BODY, base, None)) == []


@pytest.mark.parametrize(
    "base", ["https://gateway.test", "http://gateway.test:8086", "http://127.0.0.1", "http://other"]
)
def test_urls_of_another_origin_are_found_unless_it_is_stated(base: str) -> None:
    [(expected, found)] = foreign_urls(BODY, base, None)
    assert base in expected
    assert "gateway.test" in found
    assert list(foreign_urls(BODY, base, "http://gateway.test")) == []


def test_names_of_this_machine_are_the_same_origin() -> None:
    assert list(foreign_urls({"status_url": "http://localhost:1/v2"}, "http://127.0.0.1:1", None)) == []


def test_a_stated_public_url_is_no_failure(catalog: Catalog) -> None:
    with session(catalog, StandIn(catalog, "urls_elsewhere")) as opened:
        opened.public_url = "https://api.segmind.com"
        assert run(planned(catalog, (SLUG,), 0, 0), opened).failures == ()


def test_a_public_url_that_is_none_is_misuse(catalog: Catalog) -> None:
    settings = Settings(target="mock", public_url="gateway")
    empty = plan(catalog, [], max_examples=0, seed=0)
    with pytest.raises(Misuse, match="--public-url"), offered(settings, empty, None):
        pass


def test_unreadable_costs_are_visible_in_the_summary(catalog: Catalog) -> None:
    outcome = campaign(catalog, StandIn(catalog, "balance_is_text"), SLUG)
    assert broken_rules(outcome) == {"money.readable"}
    assert any("no balance in numbers" in reason for reason in outcome.unsent)
    assert "money.costs_add_up" not in {case.rule for case in outcome.sent}
