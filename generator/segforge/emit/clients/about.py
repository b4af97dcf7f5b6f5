"""Models and headers as the clients of both languages present them, and the model of the samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from segforge.emit.clients.results import result_class
from segforge.emit.quoting import Code
from segforge.spec.catalog import Average, Model, Price, Quirk
from segforge.spec.printable import ended, show


@dataclass(frozen=True)
class NamedModel:
    """A model with its names in one client, a line about it, and the address of its docs page, fit for Markdown."""

    model: Model
    attribute: Code
    module: Code
    name: Code

    @property
    def summary(self) -> str:
        """The model's title and description, ended by a full stop."""
        return ended(f"{self.model.title}: {self.model.description}")

    @property
    def result(self) -> Code:
        """The class of the model's results."""
        return Code(result_class(self.model.returns))

    @property
    def price(self) -> str:
        """A sentence about the model's price; empty if the page prints none."""
        return "" if self.model.price is None else price_sentence(self.model.price)

    @property
    def url(self) -> Code:
        """The address of the docs page."""
        return Code(quote(self.model.source.url, safe=":/?&=%@+,;~", errors="replace"))


@dataclass(frozen=True)
class HeaderProperty:
    """The property of a result that reads one header; `convert` names the function that parses it, if one is needed."""

    attribute: Code
    name: str
    type: Code
    text: str
    convert: Code


def about(model: Model) -> str:
    """Returns the documentation of a model's class."""
    lines = [model.description, "", f"Docs: {model.source.url} (reviewed {model.source.reviewed})."]
    if model.typical_seconds is not None:
        lines.append(f"Typical time: {model.typical_seconds} seconds.")
    if model.price is not None:
        lines.append(price_sentence(model.price))
    if model.average is not None:
        lines.append(average_sentence(model.average))
    if model.level == "partial":
        lines.append("The docs page was not read whole: the model may have more parameters and values than are listed.")
        if any(part.inferred for one in model.parameters for part in one.walk()):
            lines.append("What is marked as inferred was concluded from a sample.")
    lines += map(quirk_sentence, model.quirks)
    return "\n".join(" ".join(line.split()) for line in lines)


def price_sentence(price: Price) -> str:
    """Returns a sentence with the price as the page prints it."""
    return ended(f"Price: {' '.join(price.printed.split())}")


def average_sentence(average: Average) -> str:
    """Returns a sentence with the average cost and time of a run, as the vendor's directory stated them."""
    amounts = [f"{average.usd} USD"] if average.usd is not None else []
    amounts += [f"{average.seconds} seconds"] if average.seconds is not None else []
    return f"Average in the vendor's directory on {average.read}: {', '.join(amounts) or 'not stated'}."


def quirk_sentence(quirk: Quirk) -> str:
    """Returns a sentence about a contradiction of the docs page."""
    return ended(f"The docs page contradicts itself at {quirk.at}, where it prints {show(quirk.found)}: {quirk.why}")


def sample(models: Sequence[Model], slug: str | None) -> Model:
    """Returns the model of the samples: the one with that slug.

    Without one, it is the model with the shortest sample among those that have both versions, preferably one of images.
    """
    for model in models:
        if model.slug == slug:
            return model
    both = [model for model in models if len(model.versions) == 2]
    images = [model for model in both if model.returns.media == "image"]
    return min(images or both or models, key=lambda model: len(model.example))
