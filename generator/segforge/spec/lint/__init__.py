"""Rules that JSON Schema can't express. Each rule is one function that yields findings about checked data."""

from segforge.spec.lint.changelog import lint_changelog
from segforge.spec.lint.directory import lint_directory, lint_listed
from segforge.spec.lint.knowledge import names_part
from segforge.spec.lint.names import DEVICES, lint_catalog, slugs_collide
from segforge.spec.lint.parameters import known_values, limits_fit
from segforge.spec.lint.requests import lint_paths, paths_collide
from segforge.spec.lint.returns import CONTROL_TYPES
from segforge.spec.lint.rules import lint_gateway, lint_model, lint_shape

__all__ = [
    "CONTROL_TYPES",
    "DEVICES",
    "known_values",
    "limits_fit",
    "lint_catalog",
    "lint_changelog",
    "lint_directory",
    "lint_gateway",
    "lint_listed",
    "lint_model",
    "lint_paths",
    "lint_shape",
    "names_part",
    "paths_collide",
    "slugs_collide",
]
