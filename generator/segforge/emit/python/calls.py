"""Text about calls in the Python client: sample arguments and the docstrings of `run` and `submit`."""

import keyword
import textwrap
from collections.abc import Mapping

from segforge.emit.clients.condition_text import condition_sentences
from segforge.emit.clients.parameter_text import parameter_text, part_lines
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
    """Returns the docstring of a call: its purpose, each parameter and part with all its facts, and the conditions."""
    lines = [purpose, "", "Args:"]
    for parameter in model.parameters:
        lines += _wrapped(parameter_text(parameter), 4)
        lines += [line for text in part_lines(parameter) for line in _wrapped(text, 8)]
    if sentences := condition_sentences(model):
        lines += ["", "Conditions:", *(line for text in sentences for line in _wrapped(text, 4))]
    lines += ["", "Raises:", "    SegmindError: the call failed; each kind of failure has its own subclass."]
    return "\n".join(lines)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        LINE_LENGTH - 16,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
