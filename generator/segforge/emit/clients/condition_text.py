"""The conditions between the parameters of a model as sentences for users of the clients."""

from collections.abc import Iterator

from segforge.spec.catalog import Condition, Model
from segforge.spec.printable import show
from segforge.spec.values import in_words, premise_in_words


def condition_sentences(model: Model) -> list[str]:
    """Returns a sentence for each statement of a model's conditions. It says if nothing checks the statement."""
    return [
        f"{sentence}{_remarks(condition)}" for condition in model.conditions for _, sentence in statements(condition)
    ]


def _remarks(condition: Condition) -> str:
    defaults = " The defaults of parameters that are not sent count, too." if condition.with_defaults else ""
    return defaults + (" This was concluded from prose, so it is not checked." if condition.inferred else "")


def statements(condition: Condition) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields each statement of a condition: the parameters without which no call breaks it, and a sentence."""
    if condition.exactly_one_of:
        yield (), f"Exactly one of {', '.join(condition.exactly_one_of)} must be sent."
    for name in condition.parameters if condition.only_when else ():
        yield (name,), f"{name} may be sent only with {in_words(condition.only_when)}."
    premise = premise_in_words(condition)
    needed = (*condition.when, *condition.when_present)
    for name in condition.requires:
        yield needed, f"With {premise}, {name} must be sent."
    for name in condition.forbids:
        yield (*needed, name), f"With {premise}, {name} must not be sent."
    for name, values in condition.forbids_values.items():
        yield (*needed, name), f"With {premise}, {name} must not be {' or '.join(map(show, values))}."
