"""The keywords of a model's calls in the Python client.

A complete model takes those of its TypedDict and no others. A partial one may have parameters that nobody saw, so it
takes the known ones by name, and any others. mypy has no TypedDict with extra items (PEP 728) yet.
"""

import ast
from dataclasses import dataclass
from typing import Final

from segforge.emit.python.params import ParamsModule, TypedKey, is_name
from segforge.emit.quoting import Code, python_visible

TYPES: Final = "_types"
"""The name under which a model's module imports that of its types."""
_TAKEN: Final = ("self", "extra")


@dataclass(frozen=True)
class Signature:
    """The keywords of a call as written in a `def`, and the expression of the mapping that they make."""

    keywords: Code
    params: Code


def signature(module: ParamsModule, *, partial: bool) -> Signature:
    """Returns the signature of a model's calls."""
    if not partial:
        return Signature(Code(f"**params: Unpack[{module.name}]"), Code("params"))
    named = [key for key in module.keys if is_name(key.name) and key.name not in _TAKEN]
    keywords = [_keyword(key, module) for key in named]
    star = ["*"] if named else []
    return Signature(Code(", ".join([*star, *keywords, "**extra: Any"])), Code("given(locals())"))


def _keyword(key: TypedKey, module: ParamsModule) -> str:
    default = "" if key.required else " = OMITTED"
    return f"{key.name}: {_from_types(key.type, module.names)}{default}"


def _from_types(type_: str, names: frozenset[str]) -> str:
    """Returns a type in which the names that the types' module defines are attributes of that module."""

    class Attributes(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.Attribute(ast.Name(TYPES), node.id) if node.id in names else node

    return python_visible(ast.unparse(Attributes().visit(ast.parse(type_, mode="eval"))))
