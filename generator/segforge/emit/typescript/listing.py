"""What a model adds to the common files of the TypeScript client."""

from segforge.emit.clients.parameter_text import parameter_lines
from segforge.emit.quoting import markdown, render, typescript_doc, typescript_literal
from segforge.emit.schemas import request_schema_text
from segforge.emit.typescript.names import TypescriptModel


def listing(named: TypescriptModel) -> dict[str, str]:
    """Returns the pieces, by the names of their slots in the templates."""
    model, name, result = named.model, named.name, named.result
    row = f"| `{named.attribute}` | [{markdown(model.title)}]({named.url}) | {markdown(named.versions)} | `{result}` |"
    getter = f"  get {named.attribute}(): {name} {{\n    return new {name}(this);\n  }}"
    return {
        "reference": render("typescript/src/models/reference.md.jinja", named=named, lines=parameter_lines(model)),
        "row": row,
        "export": f'export {{ {name}, type {named.params} }} from "./models/{named.module}.js";',
        "import": f'import {{ {name} }} from "./models/{named.module}.js";',
        "member": f"\n  {typescript_doc(named.summary, 2)}\n{getter}",
        "schema": f"  [{typescript_literal(model.slug)}, {typescript_literal(request_schema_text(model))}],",
    }
