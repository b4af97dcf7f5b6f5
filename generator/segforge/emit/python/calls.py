"""Text about calls in the Python client: sample arguments and the docstrings of `run` and `submit`."""

import keyword
import textwrap
from collections.abc import Mapping

from segforge.emit.clients.parameter_text import parameter_text
from segforge.emit.quoting import LINE_LENGTH, Code, python_literal
from segforge.spec.catalog import Model


def arguments(example: Mapping[str, object]) -> Code:
    """Returns the keyword arguments of a call, one per line. Names that aren't identifiers go into a mapping."""
    fit = {name: value for name, value in example.items() if name.isidentifier() and not keyword.iskeyword(name)}
    odd = {name: value for name, value in example.items() if name not in fit}
    lines = [f"    {name}={_double_quoted(python_literal(value))}," for name, value in fit.items()]
    return Code("\n".join([*lines, *([f"    **{python_literal(odd)},"] if odd else [])]))


def items(example: Mapping[str, object]) -> Code:
    """Returns the same arguments as items of a mapping, one per line."""
    literals = [(python_literal(name), python_literal(value)) for name, value in example.items()]
    return Code("\n".join(f"    {_double_quoted(name)}: {_double_quoted(value)}," for name, value in literals))


def _double_quoted(literal: str) -> str:
    """Returns a literal in double quotes, as ruff formats it, unless it contains quotes."""
    return f'"{literal[1:-1]}"' if literal.startswith("'") and '"' not in literal and "\\'" not in literal else literal


def submit_text(model: Model) -> str:
    """Returns the docstring of `submit`."""
    purpose = "Submits a job (v2) and returns it without waiting. `wait` returns its result."
    return f"{purpose} Takes the parameters of `run`." if "v1" in model.versions else call_text(purpose, model)


def call_text(purpose: str, model: Model) -> str:
    """Returns the docstring of a call: its purpose, and each parameter with all its facts."""
    width = LINE_LENGTH - 16
    lines = [purpose, "", "Args:"]
    for parameter in model.parameters:
        text = parameter_text(parameter)
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines += ["", "Raises:", "    SegmindError: the call failed; each kind of failure has its own subclass."]
    return "\n".join(lines)
