"""The requests of models that differ from those of most models: own paths, files in other forms, multipart forms."""

from collections.abc import Iterator
from typing import Final

from segforge.emit.clients.files import Sent, is_file, sent_as, takes_url
from segforge.emit.quoting import Code, python_literal
from segforge.spec.catalog import Model, Parameter

_UNMARKED: Final = ("model3d", "any")
"""The kinds of files whose bytes can't be recognized by their opening."""


def sending(model: Model) -> str:
    """Returns an expression that states how requests of a model differ from those of most; empty if they don't."""
    facts = [f"paths={python_literal(dict(model.paths))}"] if model.paths else []
    named = {one.name: found for one in model.parameters if (found := _files(one, model, depth=0)) is not None}
    if named:
        facts.append(f"files={_mapping(named)}")
    if "multipart" in model.encodings:
        facts.append(f"multipart={python_literal('parts' if 'json' in model.encodings else 'always')}")
    return f"Sending({', '.join(facts)})" if facts else ""


def _mapping(named: dict[str, Code]) -> str:
    return "{" + ", ".join(f"{python_literal(name)}: {found}" for name, found in named.items()) + "}"


def _files(parameter: Parameter, model: Model, depth: int) -> Code | None:
    """Returns the files of a parameter that are not sent as data URLs; None if there are none."""
    facts = list(_own(parameter, model, depth))
    parts = [parameter, *parameter.any_of]
    items = [found for one in parts if one.items and (found := _files(one.items, model, depth + 1)) is not None]
    facts += [f"items={items[0]}"] if items else []
    properties = {
        one.name: found
        for part in parts
        for one in part.properties
        if (found := _files(one, model, depth + 2)) is not None
    }
    facts += [f"properties={_mapping(properties)}"] if properties else []
    return Code(f"Files({', '.join(facts)})") if facts else None


def _own(parameter: Parameter, model: Model, depth: int) -> Iterator[str]:
    """Yields the facts about the file that a parameter itself may be. Deep ones can't be parts of a form."""
    members = [one for one in (parameter, *parameter.any_of) if is_file(one) or one.format == "base64"]
    if not any(map(is_file, members)):
        return
    form: Sent = sent_as(*members)
    if form == "part" and (depth > 1 or "multipart" not in model.encodings):
        form = "url"
    unmarked = any(one.file in _UNMARKED for one in members)
    with_url = any(takes_url(one) for one in members if is_file(one))
    if form != "data_uri" or unmarked or not with_url:
        yield python_literal(form)
        yield from ("any=True" for _ in [0] if unmarked)
        yield from ("url=False" for _ in [0] if not with_url)
