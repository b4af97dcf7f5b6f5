"""The lines of the Python client's public surface: exported names with their members and signatures."""

import ast
from collections.abc import Collection, Iterator, Mapping


def python_lines(modules: Mapping[str, ast.Module], exports: Mapping[str, str]) -> Iterator[str]:
    """The lines of a package's exports: functions, classes and their public members, with signatures.

    `exports` maps each public name to the module that defines it.
    """
    for name, module in exports.items():
        tree = modules[module]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                yield f"{name}{_signature(node)}"
            elif isinstance(node, ast.ClassDef) and node.name == name:
                yield f"class {name}({', '.join(map(ast.unparse, node.bases))})"
                for defined in (node, *hidden_bases(tree, node, exports)):
                    yield from _members(name, defined)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and _assigned(node) == name:
                yield f"{name} = {ast.unparse(node.value) if node.value else ''}"


def hidden_bases(tree: ast.Module, node: ast.ClassDef, exports: Collection[str]) -> list[ast.ClassDef]:
    """Returns the bases of an exported class that are not exported; their members count as the class's own."""
    names = {ast.unparse(base) for base in node.bases} - set(exports)
    return [base for base in tree.body if isinstance(base, ast.ClassDef) and base.name in names]


def _members(name: str, node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(member.name):
            is_property = any(ast.unparse(decorator) == "property" for decorator in member.decorator_list)
            returns = f" -> {ast.unparse(member.returns)}" if member.returns else ""
            yield f"{name}.{member.name}{returns if is_property else _signature(member)}"
            yield from (f"{name}.{attribute}" for attribute in _attributes(member))
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name) and _is_public(member.target.id):
            yield f"{name}.{member.target.id}: {ast.unparse(member.annotation)}"


def _attributes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The public attributes that a constructor sets."""
    if node.name == "__init__":
        for found in ast.walk(node):
            if isinstance(found, ast.Attribute) and isinstance(found.ctx, ast.Store) and _is_public(found.attr):
                yield found.attr


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"


def _assigned(node: ast.Assign | ast.AnnAssign) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else None


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name == "__init__"
