"""All facts about a parameter in one line of text, as docstrings and reference pages show them."""

from segforge.emit.quoting import Code, markdown
from segforge.emit.schemas import describe, facts
from segforge.spec.catalog import Model, Parameter
from segforge.spec.printable import show


def parameter_text(parameter: Parameter) -> str:
    """Returns all facts about a parameter as one line, such as `steps (integer, required): ...`."""
    kind = f"{parameter.type} or null" if parameter.nullable else parameter.type
    need = "required" if parameter.required else "optional"
    allowed = ""
    if parameter.choices is not None:
        allowed = f" Values: {', '.join(show(value) for value in parameter.choices.known)}."
    return f"{parameter.name} ({kind}, {need}): {describe(parameter)}{allowed} {facts(parameter)}".strip()


def parameter_lines(model: Model) -> list[Code]:
    """Returns a line of Markdown for each parameter of a model."""
    return [markdown(parameter_text(parameter)) for parameter in model.parameters]
