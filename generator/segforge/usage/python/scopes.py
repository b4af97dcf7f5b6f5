"""The scopes of a Python module: which name is bound to what, and which objects may change."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_HARMLESS: Final = frozenset(
    {
        "bool",
        "dict",
        "enumerate",
        "isinstance",
        "items",
        "iter",
        "keys",
        "len",
        "list",
        "print",
        "repr",
        "set",
        "sorted",
    }
    | {"str", "tuple", "type", "values", "dumps", "copy", "deepcopy", "pprint", "dump", "format", "write", "join"}
    | {"debug", "info", "warning", "error", "exception", "log", "critical"}
    | {"post", "get", "put", "patch", "delete", "request", "send", "stream", "Request", "urlopen"}
)
"""Calls that don't change an object that is passed to them, as far as their name tells."""


_PARTS_OF_TEXT: Final = frozenset(
    {"compile", "count", "endswith", "find", "fullmatch", "index", "match", "removeprefix", "removesuffix", "replace"}
    | {"rsplit", "search", "split", "startswith", "strip", "sub"}
)
"""Methods whose arguments are parts of a text, and so no addresses."""


class Imported(NamedTuple):
    """The value of a name that an import binds: its dotted origin."""

    origin: str


class Instance(NamedTuple):
    """The value of a parameter: an instance of the class of its annotation."""

    annotation: ast.expr | None


class Bound(NamedTuple):
    """The value of a name, and the scope in which its expression stands."""

    value: "ast.expr | Imported | Instance | None"
    scope: "Scope"


@dataclass(eq=False)
class Scope:
    """The names that a module, a function or a class binds. `self_name` is the first parameter of a method."""

    kind: Literal["module", "function", "class"]
    parent: "Scope | None" = None
    self_name: str = ""
    class_name: str = ""
    names: dict[str, list[Bound]] = field(default_factory=lambda: defaultdict(list))
    attributes: dict[str, list[Bound]] = field(default_factory=lambda: defaultdict(list))
    elsewhere: set[str] = field(default_factory=set)

    def binding(self, name: str) -> "Scope | None":
        """Returns the scope that binds a name as seen from here."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names and (scope.kind != "class" or scope is self) and name not in scope.elsewhere:
                return scope
            scope = scope.parent
        return None

    def only(self, name: str) -> Bound | None:
        """Returns the value of a name that is bound once."""
        home = self.binding(name)
        found = home.names[name] if home is not None else []
        return found[0] if len(found) == 1 else None

    def around(self) -> "Scope | None":
        """Returns the class around a method, also from within functions of the method."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope


class Mutation(NamedTuple):
    """A change of an object: the key that is set to a value, or no key if anything may have changed."""

    key: str | None
    value: ast.expr | None
    at: ast.AST
    scope: Scope


class FoundCall(NamedTuple):
    """A call, its scope, and whether the code around it expects it to fail."""

    node: ast.Call
    scope: Scope
    expected: bool


class FoundText(NamedTuple):
    """A text that isn't a docstring, and its scope."""

    node: "ast.Constant | ast.JoinedStr | ast.BinOp"
    scope: Scope


class Module:
    """A parsed module: its calls, its texts, and what is known about names."""

    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[FoundCall] = []
        self.texts: list[FoundText] = []
        self.bases: set[str] = set()
        self.set_elsewhere: set[str] = set()
        self.imports: list[tuple[str, ast.stmt]] = []
        self._uses: dict[str, list[tuple[Scope, Mutation]]] = defaultdict(list)
        self._tasks: list[tuple[ast.AST, Scope, bool]] = [(tree, Scope("module"), False)]
        while self._tasks:
            self._visit(*self._tasks.pop())

    def changes(self, name: str, scope: Scope) -> list[Mutation]:
        """Returns the changes of the object that a name stands for, wherever in the module."""
        home = scope.binding(name)
        return [change for used, change in self._uses.get(name, ()) if used.binding(name) is home]

    def _visit(self, node: ast.AST, scope: Scope, expected: bool) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node, scope, expected)
                return
            case ast.ClassDef():
                self._bind(scope, node.name, None)
                self.bases |= {base.id for base in node.bases if isinstance(base, ast.Name)}
                inner = Scope("class", scope, class_name=node.name)
                self._later([*node.decorator_list, *node.bases, *node.keywords], scope, expected)
                self._later(_without_docstring(node.body), inner, expected)
                return
            case ast.Module():
                self._later(_without_docstring(node.body), scope, expected)
                return
            case ast.Try():
                caught = expected or any(map(_expects, node.handlers))
                self._later(node.body, scope, caught)
                self._later([*node.handlers, *node.orelse, *node.finalbody], scope, expected)
                return
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._assign(item.optional_vars, item.context_expr, scope)
                raises = any(
                    isinstance(item.context_expr, ast.Call) and _is_raises(item.context_expr) for item in node.items
                )
                self._later(node.items, scope, expected)
                self._later(node.body, scope, expected or raises)
                return
            case ast.Call():
                self.calls.append(FoundCall(node, scope, expected))
                self._call(node, scope)
                if isinstance(node.func, ast.Attribute) and node.func.attr in _PARTS_OF_TEXT:
                    others = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.Constant)]
                    self._later(others, scope, expected)
                    return
            case ast.Constant(value=str()):
                self.texts.append(FoundText(node, scope))
            case ast.JoinedStr() | ast.BinOp(op=ast.Add()):
                self.texts.append(FoundText(node, scope))
                self._later(_outside_text(node), scope, expected)
                return
            case _:
                self._statement(node, scope)
        self._later(ast.iter_child_nodes(node), scope, expected)

    def _later(self, nodes: Iterable[ast.AST], scope: Scope, expected: bool) -> None:
        self._tasks.extend((node, scope, expected) for node in nodes)

    def _function(
        self, node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda", scope: Scope, expected: bool
    ) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        first = every[0].arg if every and scope.kind == "class" else ""
        inner = Scope("function", scope, self_name=first)
        for one in every:
            inner.names[one.arg].append(Bound(Instance(one.annotation), scope))
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                self._bind(inner, extra.arg, None)
        defaults: list[ast.AST] = [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]
        if isinstance(node, ast.Lambda):
            body: list[ast.AST] = [node.body]
        else:
            self._bind(scope, node.name, None)
            defaults += node.decorator_list
            body = list(_without_docstring(node.body))
            inner.elsewhere = {
                name for one in node.body if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names
            }
        self._later(defaults, scope, expected)
        self._later(body, inner, expected)

    def _statement(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value, scope)
                self._escape(node.value, scope)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, value, scope)
                self._escape(value, scope)
            case ast.NamedExpr():
                self._assign(node.target, node.value, scope)
            case ast.AugAssign() | ast.For() | ast.AsyncFor() | ast.comprehension():
                self._assign(node.target, None, scope)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self._bind(scope, name, None)
            case ast.Delete():
                for target in node.targets:
                    self._assign(target, None, scope)
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                self._escape(value, scope)
            case _:
                pass

    def _assign(self, target: ast.AST | None, value: ast.expr | None, scope: Scope) -> None:
        match target:
            case ast.Name():
                self._bind(scope, target.id, value)
            case ast.Tuple() | ast.List():
                values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
                for index, one in enumerate(target.elts):
                    self._assign(one, values[index] if values is not None else None, scope)
            case ast.Starred():
                self._assign(target.value, None, scope)
            case ast.Attribute():
                self._attribute(target, value, scope)
            case ast.Subscript(value=ast.Name() as base):
                key = target.slice.value if isinstance(target.slice, ast.Constant) else None
                known = key if isinstance(key, str) and value is not None else None
                self._change(base, Mutation(known, value, target.slice, scope))
            case ast.Subscript(value=ast.Subscript() as nested):
                while isinstance(nested, ast.Subscript) and not isinstance(nested.value, ast.Name):
                    if not isinstance(nested.value, ast.Subscript):
                        return
                    nested = nested.value
                self._assign(nested, None, scope)
            case _:
                pass

    def _attribute(self, target: ast.Attribute, value: ast.expr | None, scope: Scope) -> None:
        """Notes the value of `self.name`. Through another name, the object may be of any class of the module."""
        home = scope.around()
        method: Scope | None = scope
        while method is not None and method.kind == "function" and not method.self_name:
            method = method.parent
        owner = target.value.id if isinstance(target.value, ast.Name) else ""
        if home is not None and method is not None and owner and owner == method.self_name:
            home.attributes[target.attr].append(Bound(value, scope))
        else:
            self.set_elsewhere.add(target.attr)

    def _bind(self, scope: Scope, name: str, value: "ast.expr | Imported | None") -> None:
        home = scope
        if name in scope.elsewhere:
            while home.parent is not None:
                home = home.parent
        home.names[name].append(Bound(value, scope))

    def _import(self, node: "ast.Import | ast.ImportFrom", scope: Scope) -> None:
        for one in node.names:
            self.imports.append((one.name if isinstance(node, ast.Import) else node.module or "", node))
            if isinstance(node, ast.ImportFrom):
                self._bind(
                    scope, one.asname or one.name, Imported(f"{node.module}.{one.name}" if not node.level else "")
                )
            else:
                top = one.name.partition(".")[0]
                self._bind(scope, one.asname or top, Imported(one.name if one.asname else top))

    def _call(self, node: ast.Call, scope: Scope) -> None:
        """Notes which objects a call may change: the one whose method it is, and those that are passed to it."""
        function = node.func
        name = (
            function.attr
            if isinstance(function, ast.Attribute)
            else function.id
            if isinstance(function, ast.Name)
            else ""
        )
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and name not in _HARMLESS:
            self._change(function.value, Mutation(None, None, node, scope))
        if name not in _HARMLESS:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg is not None)):
                self._escape(argument, scope)

    def _escape(self, value: ast.expr, scope: Scope) -> None:
        if isinstance(value, ast.Name):
            self._change(value, Mutation(None, None, value, scope))

    def _change(self, name: ast.Name, change: Mutation) -> None:
        self._uses[name.id].append((change.scope, change))


def _expects(handler: ast.ExceptHandler) -> bool:
    """Returns whether a handler expects parameters that break the specs."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in caught]
    return "InvalidParameters" in names


def _is_raises(call: ast.Call) -> bool:
    """Returns whether a call is `pytest.raises` or a method such as `assertRaises`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("raises", "assertRaises", "assertRaisesRegex", "suppress")


def _outside_text(node: ast.expr) -> list[ast.AST]:
    """Returns the expressions within a joined text that aren't parts of it."""
    found: list[ast.AST] = []
    parts: list[ast.AST] = [node]
    while parts:
        part = parts.pop()
        if isinstance(part, ast.JoinedStr | ast.FormattedValue) or _is_sum(part):
            parts += ast.iter_child_nodes(part)
        elif not isinstance(part, ast.Constant | ast.operator):
            found.append(part)
    return found


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Returns statements without those that are only a text, such as docstrings."""
    return [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
