"""The tables of rules: which apply to a model file, and which to a gateway file."""

from segforge.spec.finding import Finding
from segforge.spec.lint.conditions import (
    condition_values_are_possible,
    conditions_can_be_kept,
    conditions_have_a_form,
    conditions_name_parameters,
    example_keeps_conditions,
)
from segforge.spec.lint.gateway import (
    key_pattern_is_bounded,
    other_routes_are_unique,
    profiles_are_whole,
    states_are_known,
    statuses_are_unique,
)
from segforge.spec.lint.knowledge import (
    inferred_facts_are_stated,
    labels_differ,
    partial_facts_stay_open,
    quirks_are_not_in_the_example,
    quirks_have_places,
    quirks_stand_once,
)
from segforge.spec.lint.names import (
    names_are_clean,
    parameter_names_stay_apart,
    shape_is_file_name,
    shapes_name_no_shapes,
    slug_is_a_name_everywhere,
    slug_is_file_name,
)
from segforge.spec.lint.parameters import (
    enums_make_sense,
    example_is_valid,
    formats_fit,
    parts_fit,
    printed_values_are_valid,
    ranges_make_sense,
    sizes_make_sense,
)
from segforge.spec.lint.price import price_ends_are_printed, price_unit_is_printed
from segforge.spec.lint.requests import file_forms_fit, parts_need_multipart, paths_have_versions
from segforge.spec.lint.returns import controls_fit, returned_formats_fit
from segforge.spec.lint.rule import Rule, reviewed_is_date
from segforge.spec.lint.unions import members_can_be_told_apart, members_have_own_titles
from segforge.spec.source import SourceFile


def lint_model(source: SourceFile) -> list[Finding]:
    """Returns all findings about one model file whose data fits the schema."""
    return [finding for rule in _MODEL_RULES for finding in rule(source)]


def lint_shape(source: SourceFile) -> list[Finding]:
    """Returns all findings about a file of a shared shape whose data fits the schema."""
    return [finding for rule in _SHAPE_RULES for finding in rule(source)]


def lint_gateway(source: SourceFile) -> list[Finding]:
    """Returns all findings about a gateway file whose data fits the schema."""
    return [finding for rule in _GATEWAY_RULES for finding in rule(source)]


_PART_RULES: tuple[Rule, ...] = (
    names_are_clean,
    parts_fit,
    members_have_own_titles,
    members_can_be_told_apart,
    ranges_make_sense,
    sizes_make_sense,
    formats_fit,
    file_forms_fit,
    enums_make_sense,
    labels_differ,
    inferred_facts_are_stated,
    printed_values_are_valid,
)
"""The rules about facts at any depth, which models and shapes share."""

_MODEL_RULES: tuple[Rule, ...] = (
    slug_is_file_name,
    slug_is_a_name_everywhere,
    reviewed_is_date,
    price_ends_are_printed,
    price_unit_is_printed,
    paths_have_versions,
    *_PART_RULES,
    parts_need_multipart,
    partial_facts_stay_open,
    example_is_valid,
    conditions_have_a_form,
    conditions_name_parameters,
    condition_values_are_possible,
    conditions_can_be_kept,
    example_keeps_conditions,
    quirks_have_places,
    quirks_are_not_in_the_example,
    quirks_stand_once,
    controls_fit,
    returned_formats_fit,
    parameter_names_stay_apart,
)

_SHAPE_RULES: tuple[Rule, ...] = (shape_is_file_name, shapes_name_no_shapes, reviewed_is_date, *_PART_RULES)

_GATEWAY_RULES: tuple[Rule, ...] = (
    reviewed_is_date,
    statuses_are_unique,
    states_are_known,
    profiles_are_whole,
    key_pattern_is_bounded,
    other_routes_are_unique,
)
