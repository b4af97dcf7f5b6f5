"""The conditions between the parameters of a model as sentences for users of the clients."""

from collections.abc import Iterator

from segforge.spec.catalog import Condition, Model
from segforge.spec.printable import show
from segforge.spec.values import in_words, premise_in_words


def condition_sentences(model: Model) -> list[str]:
    """Returns a sentence for each statement of a model's conditions. It says if nothing checks the statement."""
    return [f"{sentence}{_remarks(condition)}" for condition in model.conditions for sentence in _statements(condition)]


def _remarks(condition: Condition) -> str:
    defaults = " The defaults of parameters that are not sent count, too." if condition.with_defaults else ""
    return defaults + (" This was concluded from prose, so it is not checked." if condition.inferred else "")


def _statements(condition: Condition) -> Iterator[str]:
    if condition.exactly_one_of:
        yield f"Exactly one of {', '.join(condition.exactly_one_of)} must be sent."
    for name in condition.parameters if condition.only_when else ():
        yield f"{name} may be sent only with {in_words(condition.only_when)}."
    premise = premise_in_words(condition)
    for name in condition.requires:
        yield f"With {premise}, {name} must be sent."
    for name in condition.forbids:
        yield f"With {premise}, {name} must not be sent."
    for name, values in condition.forbids_values.items():
        yield f"With {premise}, {name} must not be {' or '.join(map(show, values))}."
