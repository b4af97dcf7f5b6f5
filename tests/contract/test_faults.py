"""The contract tests against the stand-in: no alarm if it keeps the contract, and the right rule for each fault."""

import pytest

from segforge import Catalog
from segforge_contract import RULES
from segforge_contract.cases.case import under_profile
from tests.contract.campaigns import broken_rules, campaign
from tests.contract.standin import StandIn

IP, STYLE, NET, TUNED = "flux-ipadapter", "style-transfer", "flux-controlnet", "flux-dev-finetuned"

STAGED = {name for name, rule in RULES.items() if rule.family == "stage"}
"""Rules that need a situation that the stand-in can't set up; see test_stages."""
LIMITED = {"range.off_step", "range.at_shortest", "range.too_short", "range.at_longest", "range.too_long"}
"""Rules about limits that no curated model has; see test_limits."""
NESTED = {
    name
    for name in RULES
    if name.startswith(("condition.", "union.")) or name.endswith(("_for_array", "_for_object", "_fewest", "_most"))
} | {"range.too_few", "range.too_many", "type.no_member"}
"""Rules about nested parts, unions and conditions; see test_nested."""
MEDIA = {"bytes.match_media", "bytes.match_duration", "bytes.match_fps", "json.shape", "text.readable"}
"""Rules about media that no curated model returns; see test_media."""
BASE64 = {"format.base64"}
"""Rules about formats that no curated model of the stand-in has; see test_limits."""
FORMS = {"content_type.multipart"}
"""Rules about forms, which no curated model of the stand-in accepts; see test_forms."""
ACCEPTED = {name for name, rule in RULES.items() if rule.outcomes == ("accepted",)}
ACCEPTED -= {"null.nullable"} | STAGED | LIMITED | NESTED | FORMS
UNDECIDED = {name for name, rule in RULES.items() if "accepted" in rule.outcomes[:1] and len(rule.outcomes) > 1}
REFUSED = {name for name, rule in RULES.items() if "refused" in rule.outcomes} - UNDECIDED - STAGED - LIMITED - NESTED
REFUSED -= BASE64

KEYLESS = {"auth.missing", "order.auth_before_model", "order.auth_before_method", "order.auth_before_body"}

# Each fault with exactly the rules that it breaks.
FAULTS: dict[str, set[str]] = {
    "below_accepted": {"range.below"},
    "above_accepted": {"range.above"},
    "steps_unbounded": {"range.above"},
    "range_rounded": {"range.below", "range.above"},
    "range_clamped": {"range.below", "range.above", "body.nan"},
    "minimum_exclusive": {"range.at_minimum", "range.minus_zero"},
    "maximum_exclusive": {"range.at_maximum"},
    "dies_at_minimum": {"range.at_minimum", "quality.changes_picture"},
    "crashes_at_maximum": {"range.at_maximum"},
    "enum_value_lost": {"enum.each"},
    "enum_unchecked": {"enum.unknown"},
    "enum_case_folded": {"enum.unknown"},
    "enum_stripped": {"enum.unknown"},
    "true_refused": {"boolean.each", "payload.valid"},
    "default_refused": {"default.explicit"},
    "optional_required": {"optional.omitted"},
    "missing_accepted": {"required.missing"},
    "null_accepted": {"null.not_nullable"},
    "null_refused": {"null.nullable"},
    "string_to_integer": {"type.string_for_integer"},
    "string_to_number": {"type.string_for_number"},
    "string_to_boolean": {"type.string_for_boolean"},
    "integer_to_boolean": {"type.integer_for_boolean"},
    "number_to_boolean": {"type.number_for_boolean"},
    "boolean_to_integer": {"type.boolean_for_integer"},
    "boolean_to_number": {"type.boolean_for_number"},
    "fraction_truncated": {"type.number_for_integer"},
    "scalar_to_string": {"type.integer_for_string", "type.number_for_string", "type.boolean_for_string"},
    "array_unpacked": {f"type.array_for_{wanted}" for wanted in ("string", "integer", "number", "boolean")},
    "object_unpacked": {f"type.object_for_{wanted}" for wanted in ("string", "integer", "number", "boolean")},
    "invalid_406": REFUSED,
    "invalid_422": REFUSED,
    "invalid_500": REFUSED,
    "nan_accepted": {"body.nan"},
    "crashes_on_minus_zero": {"range.minus_zero"},
    "crashes_on_unicode": {"text.unicode"},
    "crashes_on_empty": {"text.empty", "default.explicit", "enum.unknown", "format.uri"},
    "crashes_on_long": {"text.long"},
    "crashes_on_control": {"text.control", "enum.unknown"},
    "crashes_on_surrogate": {"text.surrogate"},
    "crashes_on_unknown": {"unknown.ignored"},
    "crashes_on_whole": {"type.whole_for_integer"},
    "crashes_on_huge": {"number.huge", "range.above"},
    "crashes_on_duplicate": {"body.duplicate_key"},
    "crashes_on_nan": {"number.nan", "body.nan"},
    "crashes_on_depth": {"body.deep", "required.missing"},
    "redirects": REFUSED | {"body.malformed"},
    "malformed_500": {"body.malformed"},
    "array_accepted": {"body.malformed"},
    "latin_1": {"body.malformed"},
    "no_key_accepted": KEYLESS,
    "no_key_403": KEYLESS | {"method.options"},
    "any_key_accepted": {"auth.invalid"},
    "key_case_folded": {"auth.invalid"},
    "form_of_key_checked": {"auth.invalid"},
    "crashes_on_options": {"method.options"},
    "delete_deletes": {"method.of_polls", "job.pollable"},
    "formats_ignored": {"format.uri"},
    "unknown_model_400": {"model.unknown", "order.model_before_method"},
    "unknown_is_200": {"request.unknown", "output.unknown", "method.of_polls"},
    "get_runs": {"method.not_allowed"},
    "method_404": {"method.not_allowed", "order.method_before_content_type"},
    "content_type_ignored": {"content_type.invalid", "order.content_type_before_body"},
    "content_type_415": {"content_type.invalid", "order.content_type_before_body"},
    "no_content_type_accepted": {"content_type.invalid"},
    "charset_refused": {"content_type.charset"},
    "model_before_key": {"order.auth_before_model"},
    "method_before_key": {"order.auth_before_method", "order.model_before_method"},
    "method_before_model": {"order.model_before_method"},
    "content_type_before_method": {"order.method_before_content_type", "method.not_allowed"},
    "body_before_key": {"order.auth_before_body", "order.content_type_before_body"},
    "body_before_content_type": {"order.content_type_before_body"},
    "key_in_error": {"key.not_echoed"},
    "key_in_header": {"key.not_echoed"},
    "key_as_id": {"key.not_echoed"},
    "error_text": {"error.shape"},
    "error_empty": {"error.shape"},
    "error_renamed": {"error.shape"},
    "method_json": {"error.shape"},
    "refusal_costs": {"money.refusal_is_free"},
    "refusal_debited": {"money.refusal_is_free"},
    "refusal_names_job": {"error.names_no_job"},
    "run_debited_twice": {"money.costs_add_up"},
    "remaining_stale": {"money.remaining_agrees"},
    "default_other": {"default.omitted_equals_explicit"},
    "seed_unstable": {"seed.repeats_picture"},
    "seed_ignored": {"seed.changes_picture"},
    "prompt_ignored": {"prompt.changes_picture"},
    "quality_ignored": {"quality.changes_picture"},
    "stub": set(),
    "count_ignored": {"bytes.match_count"},
    "urls_apart": {"job.urls_absolute", "job.urls_own"},
    "urls_elsewhere": {"job.urls_own"},
    "result_read_once": {"job.result_stable"},
    "forgets_first": {"job.kept"},
    "outputs_swapped": {"job.result_own", "job.output_own", "job.result_stable", "bytes.match_format"},
    "balance_is_text": {"money.readable"},
    "cost_is_text": {"money.readable"},
    "total_too_short": {"job.metrics_add_up"},
    "outputs_crossed": {"job.output_own", "bytes.match_format"},
    "header_missing": {"headers.present"},
    "cost_in_words": {"headers.typed"},
    "cost_negative": {"headers.typed"},
    "other_seed": {"headers.seed"},
    "content_type_fixed": {"bytes.match_content_type"},
    "image_cut": {"bytes.match_content_type", "base64.holds_picture"},
    "format_ignored": {"bytes.match_format"},
    "size_ignored": {"bytes.match_size"},
    "base64_ignored": {"base64.holds_picture"},
    "base64_prefixed": {"base64.holds_picture"},
    "json_is_text": {"json.parses"},
    "submit_202": ACCEPTED | UNDECIDED,
    "poll_url_missing": {"job.submit_shape"},
    "submit_processing": {"job.submit_shape"},
    "urls_relative": {"job.urls_absolute"},
    "status_url_is_result": {"job.urls_absolute"},
    "id_repeated": {"job.id_unique"},
    "jobs_lost": {"job.pollable"},
    "lower_case": {"job.status_shape"},
    "another_id": {"job.status_shape", "job.ends_with_result"},
    "goes_back": {"job.states_monotone"},
    "completed_then_fails": {"job.terminal_stable"},
    "completed_then_processing": {"job.terminal_stable"},
    "running_is_202": {"job.state_is_200"},
    "all_fail": ACCEPTED,
    "failed_is_200": ACCEPTED | {"job.failed_is_422"},
    "failed_without_error": ACCEPTED | {"job.failed_is_422"},
    "output_early": {"job.no_early_result"},
    "output_early_in_status": {"job.no_early_result"},
    "never_ends": {"job.ends_with_result"},
    "output_missing": {"job.ends_with_result"},
    "output_relative": {"job.ends_with_result"},
    "result_disagrees": {"job.ends_with_result"},
    "metrics_missing": {"job.metrics_present"},
    "poll_lost": {"job.poll_url_serves"},
}
OBSERVED_FAULTS = {
    "failed_job_debited": "money.failed_job_is_free",
    "failed_job_costs": "money.failed_job_is_free",
}
ELSEWHERE = {"null_refused": STYLE, "json_is_text": TUNED, "size_ignored": NET}
"""Faults that flux-ipadapter can't show, each with a model that can."""


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_breaks_its_rules_and_no_other(catalog: Catalog, fault: str) -> None:
    outcome = campaign(catalog, StandIn(catalog, fault), ELSEWHERE.get(fault, IP))
    assert broken_rules(outcome) == FAULTS[fault]


def test_every_rule_is_broken_by_some_fault() -> None:
    assert set().union(
        *FAULTS.values(), OBSERVED_FAULTS.values(), STAGED, LIMITED, NESTED, MEDIA, FORMS, BASE64
    ) == set(RULES)


@pytest.mark.parametrize("seed", range(5))
def test_no_alarm_on_a_gateway_that_keeps_the_contract(catalog: Catalog, seed: int) -> None:
    outcome = campaign(catalog, StandIn(catalog), max_examples=10, seed=seed)
    assert outcome.failures == ()


def test_no_alarm_on_a_gateway_as_observed_under_that_profile(catalog: Catalog) -> None:
    observed = under_profile(catalog, "observed")
    outcome = campaign(observed, StandIn(catalog, observed=True), max_examples=10)
    assert outcome.failures == ()


@pytest.mark.parametrize("fault", OBSERVED_FAULTS)
def test_fault_of_failed_jobs_is_found_under_the_observed_profile(catalog: Catalog, fault: str) -> None:
    outcome = campaign(under_profile(catalog, "observed"), StandIn(catalog, fault, observed=True), IP)
    assert broken_rules(outcome) == {OBSERVED_FAULTS[fault]}


def test_a_gateway_as_observed_breaks_what_is_documented(catalog: Catalog) -> None:
    outcome = campaign(catalog, StandIn(catalog, observed=True), IP)
    assert broken_rules(outcome) == REFUSED


def test_a_job_that_should_fail_and_does_not_is_found_under_the_observed_profile(catalog: Catalog) -> None:
    outcome = campaign(under_profile(catalog, "observed"), StandIn(catalog, "above_accepted", observed=True), IP)
    assert broken_rules(outcome) == {"range.above"}
    assert {failure.case.operation for failure in outcome.failures} == {"run", "submit"}


def test_failure_names_the_parameter_and_the_value(catalog: Catalog) -> None:
    outcome = campaign(catalog, StandIn(catalog, "steps_unbounded"), IP)
    assert {failure.case.parameter for failure in outcome.failures} == {"num_inference_steps"}
    assert "num_inference_steps = 76" in {failure.case.change for failure in outcome.failures}


def test_hypothesis_finds_and_shrinks_a_fault_that_no_table_shows(catalog: Catalog) -> None:
    standin = StandIn(catalog, "pair_refused")
    assert campaign(catalog, standin, IP).failures == ()
    found = campaign(catalog, standin, IP, max_examples=150).failures
    model = catalog.model(IP)
    required = {parameter.name for parameter in model.parameters if parameter.required}
    assert {failure.broken.rule for failure in found} == {"payload.valid"}
    for failure in found:
        payload = failure.case.payload
        assert payload is not None
        assert payload.keys() >= required | {"base64", "samples"}
        assert payload["samples"] == 3
