"""What a model adds to the common files of the Python client."""

from segforge.emit.artifact import Subject
from segforge.emit.clients.about import NamedModel
from segforge.emit.clients.parameter_text import parameter_lines
from segforge.emit.python.sending import sending
from segforge.emit.quoting import docstring, markdown, python_literal, render
from segforge.emit.schemas import request_schema_text
from segforge.spec.price import highest_credits


def listing(subject: Subject, named: NamedModel) -> dict[str, str]:
    """Returns the pieces, by the names of their slots in the templates."""
    model, slug = named.model, python_literal(subject.model.slug)
    versions = "".join(f"{markdown(version)} " for version in model.versions)
    names = (model.slug, str(named.module), str(named.name))
    facts = (*names, model.typical_seconds, highest_credits(subject.gateway, model), str(named.result))
    module, name, summary = named.module, named.name, docstring(named.summary, 8)
    sent = sending(model)
    return {
        "reference": render("python/models/reference.md.jinja", named=named, lines=parameter_lines(model)),
        "row": f"| `{named.attribute}` | [{markdown(model.title)}]({named.url}) | {versions}| `{named.result}` |",
        "import": f"    from segmind_client.models.{module} import Async{name} as _Async{name}\n"
        f"    from segmind_client.models.{module} import {name} as _{name}",
        "entry": f"    {python_literal(str(named.attribute))}: {python_literal(facts)},",
        "member": f"        {named.attribute}: _{name}\n        {summary}\n",
        "async member": f"        {named.attribute}: _Async{name}\n        {summary}\n",
        "sending": f"    {slug}: {sent}," if sent else "",
        "schema": f"    {_formatted(model.slug)}: {_formatted(request_schema_text(model))},",
    }


def _formatted(text: str) -> str:
    """Returns a literal as ruff formats it: in double quotes, unless the others need fewer backslashes."""
    single = python_literal(text)
    if single.startswith('"') or text.count('"') > text.count("'"):
        return single
    return '"' + single[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
