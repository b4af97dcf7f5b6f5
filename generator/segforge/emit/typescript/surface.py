"""The lines of the TypeScript client's public surface: the exports of `index.ts`, member by member.

This needs no TypeScript parser, since the templates indent declarations in one known way. A test compares the result
with the TypeScript compiler's output for the built package.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_EXPORTED: Final = re.compile(r'^export (?:type )?\{([^}]*)\} from "\./(\w+)\.js";', re.MULTILINE)
_EVERYTHING: Final = re.compile(r'^export \* from "\./(\w+)\.js";', re.MULTILINE)
_COMMENT: Final = re.compile(r"^( *)/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_INTERNAL: Final = re.compile(r"(?<!\\)@internal")
_DECLARED: Final = re.compile(
    r"^export (?:(?P<kind>abstract class|class|interface) (?P<name>\w+)(?P<rest>[^{\n]*) \{\n(?P<body>.*?)^\}"
    r"|type (?P<alias>\w+) = (?P<type>[^;]*);|\{ (?P<of>\w+) as (?P<other>\w+) \};)",
    re.MULTILINE | re.DOTALL,
)
_WORDS: Final = re.compile(r"(?<!-)\b(?:(?:declare|override|readonly) |async \*?)")
_MARK: Final = "// internal\n"


def typescript_lines(modules: Mapping[str, str]) -> Iterator[str]:
    """The lines of the exports of the module `index`. `modules` maps names to texts."""
    index = modules["index"]
    wanted = {
        (module, name.split()[-1])
        for names, module in _EXPORTED.findall(index)
        for name in names.split(",")
        if name.strip()
    }
    whole = set(_EVERYTHING.findall(index))
    for module, text in modules.items():
        for declared in _DECLARED.finditer(_COMMENT.sub(_marked, text)):
            name = declared["name"] or declared["alias"] or declared["other"]
            if module in whole or (module, name) in wanted:
                yield from _lines(name, declared)


def _marked(comment: re.Match[str]) -> str:
    return f"{comment[1]}{_MARK}" if _INTERNAL.search(comment[0]) else ""


def _lines(name: str, declared: re.Match[str]) -> Iterator[str]:
    if declared["of"]:
        yield f"{name} = {declared['of']}"
    elif declared["alias"]:
        yield f"type {name} = {' '.join(declared['type'].split())}"
    else:
        yield f"{declared['kind']} {name}{declared['rest']}"
        for member in _members(declared["body"]):
            yield f"{name}.{member}"


def _members(body: str) -> Iterator[str]:
    """The signatures of the public members. A body ends with a brace at the member's indentation."""
    internal = False
    lines = iter(body.splitlines())
    for line in lines:
        if line.strip() == _MARK.strip():
            internal = True
        elif line.startswith("  ") and line[2] not in " }":
            signature = line.strip()
            while not signature.endswith((";", "{")):
                signature += f" {next(lines).strip()}"
            if signature.endswith("{"):
                while next(lines) != "  }":
                    pass
            member = _tidy(signature)
            if not internal and not member.startswith(("#", "protected ", "static ")):
                yield member
            internal = False


def _tidy(signature: str) -> str:
    """Returns a signature on one line, without body and modifiers. A parameter with a default becomes optional."""
    text = _WORDS.sub("", signature.removesuffix("{").rstrip().removesuffix(";"))
    text = re.sub(r"(\w+): ([^,()]+) = \{\}", r"\1?: \2", text)
    text = re.sub(r"^get (\w+)\(\)", r"\1", text)
    return re.sub(r",? \)", ")", text.replace("( ", "("))
