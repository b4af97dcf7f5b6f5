"""The values of Python expressions, as far as a module shows them."""

import ast
from typing import Final

from segforge.usage.python.scopes import Bound, Imported, Instance, Module, Scope
from segforge.usage.shown import (
    UNSEEN,
    CodeText,
    Encoded,
    Entries,
    Entry,
    Position,
    Shown,
    bearer_in,
    joined,
    merged,
    number,
)

_MAX_DEPTH: Final = 40
_MAX_STEPS: Final = 2_000
"""Steps of one evaluation, so that names that refer to each other many times cost little."""
_MOST_STEPS: Final = 500_000
"""Steps of all evaluations of one module."""
_TRANSPARENT: Final = frozenset({"with_options"})


class Evaluator:
    """Evaluates expressions of one module without executing anything."""

    def __init__(self, module: Module, lines: list[str]) -> None:
        self._module = module
        self._lines = lines
        self._steps = self._spent = 0

    def position(self, node: ast.AST) -> Position:
        """Returns the position of a node. The parser counts columns in bytes."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if not text.isascii():
            column = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))
        return Position(line, column + 1)

    def value(self, node: ast.expr, scope: Scope) -> Shown:
        """Returns the value of an expression."""
        self._steps = 0
        return self._value(node, scope, 0)

    def _value(self, node: ast.expr | None, scope: Scope, depth: int) -> Shown:
        self._steps += 1
        self._spent += 1
        if self._spent > _MOST_STEPS or node is None or depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            return UNSEEN
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return UNSEEN if isinstance(value, bool) else number(-value)
            case ast.JoinedStr() | ast.BinOp(op=ast.Add()):
                return joined([self._value(part, scope, depth + 1) for part in _parts(node)])
            case ast.FormattedValue(conversion=-1, format_spec=None):
                return self._value(node.value, scope, depth + 1)
            case ast.Name():
                return self._name(node.id, scope, depth)
            case ast.Attribute(value=ast.Name(id=owner)):
                found = self._attribute(owner, node.attr, scope)
                return self._value(_expression(found), found.scope, depth + 1) if found is not None else UNSEEN
            case ast.Dict():
                return self._dict(node, scope, depth)
            case ast.List() | ast.Tuple():
                if any(isinstance(one, ast.Starred) for one in node.elts):
                    return UNSEEN
                return [self._value(one, scope, depth + 1) for one in node.elts]
            case ast.Call():
                return self._call(node, scope, depth)
            case _:
                return UNSEEN

    def _constant(self, node: ast.Constant) -> Shown:
        value = node.value
        if isinstance(value, str):
            return CodeText(value, self.position(node))
        if value is None or isinstance(value, bool):
            return value
        return number(value) if isinstance(value, int | float) else UNSEEN

    def _dict(self, node: ast.Dict, scope: Scope, depth: int) -> Shown:
        made = Entries((), self.position(node))
        for key, value in zip(node.keys, node.values, strict=True):
            shown = self._value(value, scope, depth + 1)
            if key is None:
                made = merged(made, shown)
                continue
            name = self._value(key, scope, depth + 1)
            if isinstance(name, str):
                one = Entries((Entry(str(name), shown, self.position(key)),), made.position)
            else:
                one = Entries((), made.position, whole=False)
            made = merged(made, one)
        return made

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Shown:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "dict" and isinstance(node.func, ast.Name) and not node.args:
            return self.keywords(node, scope, depth + 1)
        if name == "dumps" and len(node.args) == 1:
            return Encoded(self._value(node.args[0], scope, depth + 1))
        if name == "encode" and isinstance(node.func, ast.Attribute):
            return self._value(node.func.value, scope, depth + 1)
        return UNSEEN

    def keywords(self, node: ast.Call, scope: Scope, depth: int = 0) -> Entries:
        """Returns the keywords of a call as an object."""
        entries: list[Entry] = []
        whole = True
        for keyword in node.keywords:  # no keyword may be passed twice, so none is replaced
            shown = self._value(keyword.value, scope, depth + 1)
            if keyword.arg is not None:
                entries.append(Entry(keyword.arg, shown, self.position(keyword)))
            else:
                entries += shown.entries if isinstance(shown, Entries) else ()
                whole = whole and isinstance(shown, Entries) and shown.whole
        return Entries(tuple(entries), self.position(node), whole)

    def _name(self, name: str, scope: Scope, depth: int) -> Shown:
        found = scope.only(name)
        if found is None:
            return UNSEEN
        shown = self._value(_expression(found), found.scope, depth + 1)
        if not isinstance(shown, Entries | list | Encoded):
            return shown
        for change in self._module.changes(name, scope):
            if change.key is None or not isinstance(shown, Entries):
                return UNSEEN
            shown = self._changed(shown, change.key, self._value(change.value, change.scope, depth + 1), change.at)
        return shown

    def _changed(self, entries: Entries, key: str, value: Shown, at: ast.AST) -> Entries:
        """Returns an object after `entries[key] = value`, which may be executed or not."""
        before = entries.get(key.lower())
        if any(entry.name == key for entry in entries.entries):
            kept = tuple(
                Entry(key, UNSEEN if before != value else value, one.position) if one.name == key else one
                for one in entries.entries
            )
            return Entries(kept, entries.position, entries.whole)
        added = Entry(key, value, self.position(at))
        return Entries((*entries.entries, added), entries.position, whole=False)

    def _attribute(self, owner: str, name: str, scope: Scope) -> Bound | None:
        """Returns the value of `self.name` if the class sets it once and no class of the module inherits it."""
        method: Scope | None = scope
        while method is not None and not method.self_name:
            method = method.parent
        home = scope.around()
        if method is None or home is None or method.self_name != owner:
            return None
        if home.class_name in self._module.bases or name in self._module.set_elsewhere:
            return None
        found = [*home.names.get(name, ()), *home.attributes.get(name, ())]
        return found[0] if len(found) == 1 else None

    def origin(self, node: ast.AST | None, scope: Scope, depth: int = 0) -> str:
        """Returns where the value of an expression comes from, such as `segmind.SegmindClient().run`, or ""."""
        if depth > _MAX_DEPTH:
            return ""
        match node:
            case ast.Name():
                return self._origin_of(scope.only(node.id), depth)
            case ast.Attribute():
                if isinstance(node.value, ast.Name) and (found := self._attribute(node.value.id, node.attr, scope)):
                    return self._origin_of(found, depth)
                base = self.origin(node.value, scope, depth + 1)
                return f"{base}.{node.attr}" if base else ""
            case ast.Call():
                made = self.origin(node.func, scope, depth + 1)
                owner, _, method = made.rpartition(".")
                return owner if method in _TRANSPARENT else made and f"{made}()"
            case ast.Await():
                return self.origin(node.value, scope, depth + 1)
            case ast.Constant(value=str() as text):  # an annotation in quotes
                return self._origin_of(scope.only(text), depth)
            case _:
                return ""

    def _origin_of(self, found: Bound | None, depth: int) -> str:
        match found.value if found is not None else None:
            case Imported(origin=origin):
                return origin
            case Instance(annotation=annotation) if annotation is not None and found is not None:
                made = self.origin(annotation, found.scope, depth + 1)
                return made and f"{made}()"
            case ast.expr() as node if found is not None:
                return self.origin(node, found.scope, depth + 1)
            case _:
                return ""

    def bearer(self, headers: ast.expr | None, scope: Scope) -> Position | None:
        """Returns the position of a header that sends a Bearer token, if no header sends a key."""
        shown = self.value(headers, scope) if headers is not None else UNSEEN
        return bearer_in(shown)


def _expression(found: Bound | None) -> ast.expr | None:
    value = found.value if found is not None else None
    return value if isinstance(value, ast.expr) else None


def _parts(node: ast.expr) -> list[ast.expr]:
    """Returns the parts of a joined text in their order. A sum is flattened without recursion."""
    found: list[ast.expr] = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            waiting += [part.left, part.right]
        elif isinstance(part, ast.JoinedStr):
            waiting += part.values
        else:
            found.append(part)
    return found[::-1]
