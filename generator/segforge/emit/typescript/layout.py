"""Expressions of TypeScript as trees, written on one line if they fit and otherwise on several."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from segforge.emit.quoting import LINE_LENGTH, Code


@dataclass(frozen=True)
class Group:
    """Parts between brackets: an array, an object or the arguments of a call. An empty part is a hole of an array."""

    opening: str
    parts: "tuple[Tree, ...]"
    closing: str


Tree: TypeAlias = Code | Group


def array(*parts: Tree) -> Group:
    """Returns an array, without the holes at its end."""
    listed = list(parts)
    while listed and listed[-1] == "":
        listed.pop()
    return Group("[", tuple(listed), "]")


def laid_out(tree: Tree, indent: int, *, before: int = 0, after: int = 1) -> Code:
    """Returns the text of a tree. `before` and `after` count the characters around it on its first and last line."""
    line = flat(tree)
    if isinstance(tree, Code) or not tree.parts or indent + before + len(line) + after <= LINE_LENGTH:
        return Code(line)
    return Code("\n".join([tree.opening.rstrip(), *_lines(tree, indent + 2), f"{' ' * indent}{tree.closing.lstrip()}"]))


def _lines(tree: Group, indent: int) -> Iterator[str]:
    holes = ""
    for part in tree.parts:
        label, inner = _labelled(part)
        if inner == "":
            holes += ", "
            continue
        text = laid_out(inner, indent, before=len(holes) + len(label))
        yield f"{' ' * indent}{holes}{label}{text},"
        holes = ""


def _labelled(tree: Tree) -> tuple[str, Tree]:
    """Splits a property of an object into its label and its value."""
    if isinstance(tree, Group) and tree.closing == ":":
        return tree.opening, tree.parts[0]
    return "", tree


def labelled(name: str, tree: Tree) -> Group:
    """Returns a property of an object."""
    return Group(f"{name}: ", (tree,), ":")


def flat(tree: Tree) -> str:
    """Returns the text of a tree on one line."""
    if isinstance(tree, Code):
        return tree
    label, inner = _labelled(tree)
    if label:
        return f"{label}{flat(inner)}"
    inside = ", ".join(map(flat, tree.parts))
    return f"{tree.opening}{inside}{tree.closing}"
