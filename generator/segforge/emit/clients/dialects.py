"""The dialect in which a chat model takes its messages, read from its spec."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import CHAT_SHAPES, Gateway, Json, Model, Parameter

MESSAGES: Final = "messages"
"""The parameter with the messages of a chat model."""
_INSTRUCTION: Final = "instruction"
"""The parameter that pages give to Claude models for what other dialects say in a system message."""

DialectForm: TypeAlias = Literal["text", "openai", "anthropic", "gemini"]
ImageForm: TypeAlias = Literal["any", "base64", "none"]


@dataclass(frozen=True)
class Dialect:
    """How a chat model takes its messages.

    Attributes:
        form: the provider whose messages these are; `text` are those of OpenAI whose content is text alone.
        images: the forms of images in messages.
        system: the place of what the system says: a `message`, a `member` of the conversation, a parameter, or None if
            the page has none.
        roles: the only roles of messages; empty if the page leaves others open.

    """

    form: DialectForm
    images: ImageForm
    system: str | None
    roles: tuple[str, ...] = ()


def is_chat(model: Model) -> bool:
    """Returns whether a model answers as a chat model does."""
    return model.returns.shape in CHAT_SHAPES


def dialect_of(model: Model) -> Dialect | None:
    """Returns the dialect of a model's messages; None for another model, and for messages of an unknown form."""
    messages = model.parameters_by_name.get(MESSAGES) if is_chat(model) else None
    if messages is None:
        return None
    members = (messages, *messages.any_of)
    conversation = next((one for one in members if "contents" in _names(one.properties)), None)
    if conversation is not None:
        system = "member" if "system_instruction" in _names(conversation.properties) else _instruction(model)
        return Dialect("gemini", _images(conversation), system)
    item = next((one.items for one in members if one.type == "array" and one.items is not None), None)
    if item is None:
        return None
    if _speaks_anthropic(item, model.example.get(MESSAGES)):
        return Dialect("anthropic", "base64", _instruction(model))
    return _openai(item)


def dialects_of(models: Iterable[Model]) -> list[tuple[str, Dialect]]:
    """Returns the slug and the dialect of each model whose dialect is known."""
    found = ((model.slug, dialect_of(model)) for model in models)
    return [(slug, dialect) for slug, dialect in found if dialect is not None]


def chat_sample(models: Iterable[Model]) -> str | None:
    """Returns the slug of the chat model in samples, one with images if there is any; None without chats."""
    found = dialects_of(one for one in models if one.level == "complete")
    return next((slug for slug, dialect in sorted(found, key=lambda one: one[1].images != "any")), None)


def unsupported(gateway: Gateway) -> list[tuple[str, str]]:
    """Returns the parameters of chats that the gateway does not support, each with what the sources say."""
    return [(one.name, one.meaning) for one in gateway.chat_parameters if one.unsupported]


def _openai(item: Parameter) -> Dialect:
    """Returns the dialect of a message in OpenAI's form. Facts that the page does not state exclude nothing."""
    known = {one.name: one for one in item.properties}
    roles, content = known.get("role"), known.get("content")
    choices = None if roles is None else roles.choices
    closed = () if choices is None or choices.open else tuple(str(one) for one in choices.known)
    system = "message" if not closed or "system" in closed else None
    is_text = content is not None and content.type == "string" and not content.any_of
    return Dialect("text" if is_text else "openai", "none" if is_text else "any", system, closed)


def _speaks_anthropic(item: Parameter, sample: Json) -> bool:
    """Returns whether blocks of a message have a source, by the parameters, or by the sample if these have no parts."""
    if item.properties:
        return any({"source", "type"} <= _names(one.properties) for one in item.walk())
    return any(isinstance(block, dict) and isinstance(block.get("source"), dict) for block in _blocks(sample))


def _blocks(sample: Json) -> Iterator[Any]:
    for message in sample if isinstance(sample, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        yield from content if isinstance(content, list) else ()


def _images(conversation: Parameter) -> ImageForm:
    return "base64" if any("inlineData" in _names(one.properties) for one in conversation.walk()) else "none"


def _instruction(model: Model) -> str | None:
    return _INSTRUCTION if _INSTRUCTION in model.parameters_by_name else None


def _names(parameters: Sequence[Parameter]) -> set[str]:
    return {one.name for one in parameters}
