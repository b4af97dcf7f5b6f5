"""Which name is bound to which expression, in code that is only known as tokens.

A name counts as known if its scope binds it exactly once. Whatever looks like a parameter hides the names outside.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from segforge.usage.script.tokens import Dialect, Tokens

_CONTROL: Final = frozenset({"if", "while", "for", "foreach", "switch", "with", "elseif", "match"})
_CHANGERS: Final = frozenset(
    {"+=", "-=", "*=", "/=", "%=", ".=", "&=", "|=", "^=", "??=", "||=", "&&=", "**=", "++", "--", "<<="}
)
_CONTINUES: Final = frozenset(
    {
        "=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "?",
        ":",
        ".",
        "?.",
        "->",
        "::",
        "||",
        "&&",
        "??",
        "=>",
        ",",
        "(",
        "[",
        "{",
        "&",
        "|",
    }
    | {"==", "===", "!=", "!==", "<", ">", "<=", ">=", ":=", "${", "**", "^", "await", "new", "return"}
)
_SELF: Final = frozenset({"this", "$this", "self", "static"})
_ACCESS: Final = frozenset({".", "?.", "->", "::"})
_NEAR: Final = 60
"""Tokens that are searched for the variables that a statement of PHP names."""
_FAR: Final = 200
"""Tokens that are searched for the start of a body, or for the value after a type. A pair of brackets counts as one."""


class Extent(NamedTuple):
    """The tokens of an expression: the index of the first, and that after the last."""

    start: int
    end: int


class Binding(NamedTuple):
    """The scope that binds a name, as the index of its opening token (-1: the file), and its value, if it is shown."""

    scope: int
    value: Extent | None


class Scopes:
    """The bindings of all names of a code, and of the attributes of its classes.

    `places` are the tokens of each name, `declared` those that bind one, and `types` the annotations of parameters.
    """

    def __init__(self, tokens: Tokens, dialect: Dialect) -> None:
        self._tokens, self._dialect = tokens, dialect
        self._bound: dict[tuple[int, str], list[Extent | None]] = defaultdict(list)
        self._members: dict[str, list[Extent | None]] = defaultdict(list)
        self.places: dict[str, list[int]] = defaultdict(list)
        self.declared: set[int] = set()
        self.types: dict[tuple[int, str], str] = {}
        self._classes: set[int] = set()
        self._functions: dict[int, list[int]] = {}
        self._find_bodies()
        self._homes = self._all_homes()
        for scope, parameters in self._functions.items():
            self._hide(parameters, scope)
        assigned: list[tuple[int, Extent | None]] = []
        for index, token in enumerate(tokens.every):
            if token.kind == "name":
                self.places[token.value].append(index)
                self._name(index, token.value, assigned)
        for index, value in assigned:
            found = self.find(tokens.value(index), index)
            self._bind(index, value, found.scope if found is not None else self._homes[index])

    def find(self, name: str, at: int) -> Binding | None:
        """Returns the binding of a name as seen from a token; its value is None unless it is bound once."""
        scope = self._homes[at]
        while True:
            values = self._bound.get((scope, name))
            if values:
                return Binding(scope, values[0] if len(values) == 1 else None)
            if scope == -1 or (name[0] == "$" and scope in self._functions):
                return None  # a function of PHP doesn't see the variables around it
            scope = self._homes[scope]

    def member(self, name: str) -> Extent | None:
        """Returns the value of an attribute `this.name` that the code sets once."""
        values = self._members.get(name, [])
        return values[0] if len(values) == 1 else None

    def extent(self, start: int) -> Extent:
        """Returns the expression that starts at a token and ends with its statement or its list."""
        tokens, at = self._tokens, start
        while at < len(tokens.every):
            if tokens.every[at].kind == "mark" and tokens.every[at].value in (";", ",", ")", "]", "}"):
                break
            if at > start and at in tokens.fresh and self._starts_statement(at):
                break
            at = tokens.closing.get(at, at) + 1
        return Extent(start, at)

    def _starts_statement(self, at: int) -> bool:
        """Returns whether the first token of a line starts a statement, so that no semicolon is needed before it."""
        before, value = self._tokens.value(at - 1), self._tokens.value(at)
        if self._dialect == "php" or before in _CONTINUES:
            return False
        return value not in _CONTINUES or value in ("{", "new", "await", "return")

    def _find_bodies(self) -> None:
        """Finds the bodies of functions and classes, and the parameters of each function."""
        tokens = self._tokens
        for index, token in enumerate(tokens.every):
            if token.kind == "name" and token.value == "class" and tokens.value(index - 1) not in _ACCESS:
                body = self._next(index, ("{",), (";", ")", "=", ","))
                self._classes |= {body} if body >= 0 else set()
            elif token.kind == "mark" and token.value == "(" and index in tokens.closing:
                self._parameters(index, tokens.closing[index])
            elif token.kind == "name" and tokens.value(index + 1) == "=>" and self._dialect == "javascript":
                self._functions.setdefault(index + 2 if tokens.value(index + 2) == "{" else -2 - index, []).append(
                    index
                )

    def _parameters(self, start: int, end: int) -> None:
        """Notes the names within parentheses if these are the parameters of a function."""
        tokens, names = self._tokens, []
        before, after = tokens.value(start - 1), tokens.value(end + 1)
        if before in _CONTROL or (self._dialect == "go" and not self._is_go_function(start)):
            return
        body = end + 1
        if after in (":", "use") or self._dialect == "go":  # a type of the result, or the variables of a closure
            body = self._next(end, ("{", "=>"), (";", ",", "="))
        if tokens.value(body) not in ("{", "=>"):
            return
        if tokens.value(body) == "=>":
            body = body + 1 if tokens.value(body + 1) == "{" else -2 - start
        last = end if body < 0 else max(end, body - 1)
        names = [at for at in range(start + 1, last) if tokens.every[at].kind == "name"]
        self._functions.setdefault(body, []).extend(names)

    def _is_go_function(self, start: int) -> bool:
        tokens = self._tokens
        return "func" in (tokens.value(at) for at in range(start - 1, max(start - 12, -1), -1)) and not any(
            tokens.value(at) in ("{", "}", ";", "=") for at in range(max(start - 3, 0), start)
        )

    def _next(self, at: int, wanted: tuple[str, ...], stop: tuple[str, ...]) -> int:
        """Returns the index of the next token with a wanted value, or -1 if another one or too many come before."""
        tokens, start = self._tokens, at
        at += 1
        while at < min(len(tokens.every), start + _FAR):
            value = tokens.value(at)
            if value in wanted and not (value == "{" and tokens.value(at - 1) in ("interface", "struct")):
                return at
            if value in stop:
                return -1
            at = tokens.closing.get(at, at) + 1
        return -1

    def _after_type(self, at: int) -> int:
        """Returns the index of the `=` after the type of a name, or -1 if there is none."""
        tokens, angles, start = self._tokens, 0, at
        at += 1
        while at < min(len(tokens.every), start + _FAR):
            value = tokens.value(at)
            angles += (value == "<") - (value in (">", ">>"))
            if value == "=" and tokens.every[at].kind == "mark":
                return at
            if value in (";", ")", "}", "of", "in", "const", "let", "var", "func") or (value == "," and angles <= 0):
                return -1
            at = tokens.closing.get(at, at) + 1
        return -1

    def _all_homes(self) -> list[int]:
        """Returns the scope around each token. In PHP only functions and classes are scopes, else every brace."""
        homes: list[int] = []
        tokens = self._tokens
        for outer in tokens.outer:
            opens = outer >= 0 and tokens.value(outer) == "{"
            if opens and self._dialect == "php":
                opens = outer in self._functions or outer in self._classes
            homes.append(outer if opens or outer < 0 else homes[outer])
        return homes

    def _hide(self, names: Iterable[int], scope: int) -> None:
        """Binds names to values that the code doesn't show. A negative scope is that around the first of the names."""
        tokens = self._tokens
        for index in names:
            home = scope if scope >= 0 else self._homes[index]
            self._bound[(home, tokens.value(index))].append(None)
            self.declared.add(index)
            if tokens.value(index + 1) == ":":
                self.types[(home, tokens.value(index))] = tokens.value(index + 2)

    def _bind(self, index: int, value: Extent | None, scope: int | None = None) -> None:
        home = self._homes[index] if scope is None else scope
        self._bound[(home, self._tokens.value(index))].append(value)
        self.declared.add(index)

    def _name(self, index: int, name: str, assigned: list[tuple[int, Extent | None]]) -> None:
        """Notes what a name binds, if anything."""
        tokens = self._tokens
        before, after = tokens.value(index - 1), tokens.value(index + 1)
        if before in _ACCESS:
            if after == "=" or after in _CHANGERS:  # through another name, the object may be of any class
                known = tokens.value(index - 2) in _SELF and after == "="
                self._members[name].append(self.extent(index + 2) if known else None)
        elif index in self.declared:
            return
        elif name in ("const", "let", "var") and self._dialect != "php":
            self._declaration(index + 1)
        elif self._homes[index] in self._classes and tokens.outer[index] == self._homes[index]:
            self._class_field(index, name)
        elif self._dialect == "php" and name in ("const", "define", "global", "static", "as"):
            self._php_word(index, name)
        elif after in ("=", ":="):
            self._assignment(index, assigned)
        elif after in _CHANGERS or before in ("++", "--") or (before == "&" and name[0] == "$"):
            assigned.append((index, None))

    def _declaration(self, at: int) -> None:
        """Notes the names of a declaration, such as `const a = 1, b = 2`."""
        tokens = self._tokens
        while at < len(tokens.every):
            if self._dialect == "go" and tokens.value(at) == "(":  # its lines are assignments
                return
            if tokens.every[at].kind != "name":
                end = tokens.closing.get(at, at)
                self._hide([one for one in range(at, end) if tokens.every[one].kind == "name"], -1)
                return
            equals = at + 1 if tokens.value(at + 1) == "=" else -1
            if equals < 0 and (tokens.value(at + 1) == ":" or self._dialect == "go"):  # a type comes first
                equals = self._after_type(at)
            if equals < 0:
                self._bind(at, None)
                return
            value = self.extent(equals + 1)
            self._bind(at, value)
            if tokens.value(value.end) != "," or tokens.outer[value.end] != tokens.outer[at]:
                return
            at = value.end + 1

    def _class_field(self, index: int, name: str) -> None:
        tokens = self._tokens
        equals = index + 1 if tokens.value(index + 1) == "=" else -1
        if equals < 0 and tokens.value(index + 1) == ":":
            equals = self._after_type(index)
        if equals >= 0:
            self._members[name.lstrip("$")].append(self.extent(equals + 1))
            self.declared.add(index)

    def _php_word(self, index: int, word: str) -> None:
        tokens = self._tokens
        if word == "const" and tokens.value(index + 2) == "=":
            self._bind(index + 1, self.extent(index + 3), -1)
        elif word == "define" and tokens.value(index + 1) == "(" and tokens.every[index + 2].kind == "text":
            self._bound[(-1, tokens.every[index + 2].value)].append(self.extent(index + 4))
        elif word in ("global", "static", "as"):
            end = min(index + _NEAR, len(tokens.every))
            for at in range(index + 1, end):
                if tokens.value(at) in (";", ")", "=", "("):
                    return
                if tokens.value(at).startswith("$"):
                    self._bind(at, None)

    def _assignment(self, index: int, assigned: list[tuple[int, Extent | None]]) -> None:
        """Notes an assignment. With several names, as in Go, the first one is bound to the value of a call."""
        tokens = self._tokens
        names = [index]
        while (
            self._dialect == "go" and tokens.value(names[-1] - 1) == "," and tokens.value(names[-1] - 2).isidentifier()
        ):
            names.append(names[-1] - 2)
        value = self.extent(index + 2)
        if len(names) > 1 and tokens.value(value.end) == ",":
            value = Extent(value.start, value.start)
        for name in names:
            shown = value if name == names[-1] else None
            if tokens.value(index + 1) == ":=":
                self._bind(name, shown)
            else:
                assigned.append((name, shown))
