"""Rules that JSON Schema can't express. Each rule is one function that yields findings about checked data."""

from segforge.spec.lint.changelog import lint_changelog
from segforge.spec.lint.names import DEVICES, lint_catalog, slugs_collide
from segforge.spec.lint.parameters import limits_fit
from segforge.spec.lint.returns import CONTROL_TYPES
from segforge.spec.lint.rules import lint_gateway, lint_model

__all__ = [
    "CONTROL_TYPES",
    "DEVICES",
    "limits_fit",
    "lint_catalog",
    "lint_changelog",
    "lint_gateway",
    "lint_model",
    "slugs_collide",
]
