"""The reference of the Python client as Markdown: signatures and docstrings of exported names."""

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from segforge.emit.python.surface import hidden_bases
from segforge.emit.quoting import LINE_LENGTH, Code

_INDENT: Final = 4


def python_reference(modules: Mapping[str, ast.Module], exports: Mapping[str, str]) -> list[tuple[Code, Code]]:
    """Returns each exported name with its signature, members and docstrings in a fenced block of Python.

    `exports` maps each public name to the module that defines it.
    """
    return [
        (Code(name), _fenced("\n".join(_defined(modules[module], name, exports)))) for name, module in exports.items()
    ]


def _fenced(text: str) -> Code:
    """Puts text in a fence that is longer than any run of backticks in it."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Code(f"{fence}python\n{text}\n{fence}")


def _defined(tree: ast.Module, name: str, exports: Collection[str]) -> Iterator[str]:
    for index, node in enumerate(tree.body):
        match node:
            case ast.ClassDef(name=found) if found == name:
                yield f"class {name}({', '.join(map(ast.unparse, node.bases))}):".replace("()", "")
                yield from _docstring(node, _INDENT)
                for each in (node, *hidden_bases(tree, node, exports)):
                    yield from _members(each)
            case ast.FunctionDef(name=found) if found == name:
                yield _signature(node, 0)
                yield from _docstring(node, _INDENT)
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                yield f"{name} = {ast.unparse(node.value) if node.value else ''}"
                match tree.body[index + 1 : index + 2]:
                    case [ast.Expr(value=ast.Constant(value=str(text)))]:
                        yield from (f"# {line}".rstrip() for line in text.splitlines())


def _members(node: ast.ClassDef) -> Iterator[str]:
    """The public methods and properties. The docstring of the class lists its attributes."""
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and (
            not member.name.startswith("_") or (member.name == "__init__" and ast.get_docstring(node) is not None)
        ):
            yield ""
            yield from (" " * _INDENT + f"@{ast.unparse(decorator)}" for decorator in member.decorator_list)
            yield _signature(member, _INDENT)
            yield from _docstring(member, 2 * _INDENT)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, indent: int) -> str:
    """Returns a `def` line, with one argument per line if it is too long."""
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    pad = " " * indent
    tail = f") -> {ast.unparse(node.returns) if node.returns else 'None'}:"
    line = f"{pad}{kind} {node.name}({ast.unparse(node.args)}{tail}"
    if len(line) <= LINE_LENGTH:
        return line
    arguments = _split(ast.unparse(node.args))
    return "\n".join([f"{pad}{kind} {node.name}(", *(f"{pad}    {each}," for each in arguments), f"{pad}{tail}"])


def _split(arguments: str) -> Iterable[str]:
    """Splits the arguments of a signature at the commas outside of brackets."""
    depth, start = 0, 0
    for at, character in enumerate(arguments):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield arguments[start:at]
            start = at + 2
    yield arguments[start:]


def _docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, indent: int) -> Iterator[str]:
    pad = " " * indent
    lines = (ast.get_docstring(node) or "...").splitlines()
    if lines == ["..."]:
        yield f"{pad}..."
        return
    yield f'{pad}"""{lines[0]}' + ('"""' if len(lines) == 1 else "")
    if len(lines) > 1:
        yield from (f"{pad}{line}".rstrip() for line in lines[1:])
        yield f'{pad}"""'
