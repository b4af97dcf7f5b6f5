"""Reference pages of the command line and of the configuration file, from the declarations of the commands."""

import argparse
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from docs.building.tables import code, fenced, prose, table, words
from segforge.cli import COMMANDS, Command, parser_of
from segforge.configuration.apply import declare
from segforge.configuration.table import CONFIGURABLE, ONLY_AS_FLAG, ConfigField, fields_of

INTRODUCTION = """# Command line

Made from the declarations of the commands, like `segforge COMMAND --help`. Commands exit with 0 on success, 1 if they
found something, 2 for misuse and 130 if they are interrupted, unless their section says otherwise.
"""

OPTIONS = """# Options of the configuration file

`segforge.toml` may state these options. Each has the name of its flag. Text, numbers and paths are written as in
TOML; relative paths start from the folder of the file.
"""


def commands_page() -> str:
    """Returns the page of all commands with their arguments and options."""
    return "\n".join([INTRODUCTION, *(_section(prog, parser) for prog, parser in _parsers())])


def _parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yields each command, and those below it, with its parser."""
    for name, command in COMMANDS.items():
        yield from _parsers_below(f"segforge {name}", command, configurable=name in CONFIGURABLE)


def _parsers_below(prog: str, command: Command, *, configurable: bool) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    module = importlib.import_module(command.module)
    nested: Mapping[str, Command] = getattr(module, "COMMANDS", {})
    parser = parser_of(prog, module, nested)
    if configurable:
        declare(parser)
    yield prog, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each, below in action.choices.items():
                below.description = next((one.help for one in action._choices_actions if one.dest == each), None)
                yield f"{prog} {each}", below
    for each, below in nested.items():
        yield from _parsers_below(f"{prog} {each}", below, configurable=configurable)


def _section(prog: str, parser: argparse.ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(prog, width=100)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    level = "##" if prog.count(" ") == 1 else "###"
    parts = [f"{level} {prog}\n", _sentence(parser.description), fenced(formatter.format_help(), "text")]
    for group in parser._action_groups:
        shown = [one for one in group._group_actions if one.help != argparse.SUPPRESS and one.dest != "help"]
        if shown:
            parts.append(table((group.title or "", "what it does"), map(_row, shown)))
    parts.append(_sentence(parser.epilog))
    return "\n".join(filter(None, parts))


def _sentence(text: str | None) -> str:
    if not text:
        return ""
    parts = text.replace("\n\n", "\0").split("\0")
    return "\n\n".join(prose(part) for part in parts) + "\n"


def _row(action: argparse.Action) -> tuple[str, str]:
    value = _value(action)
    names = [f"{name} {value}".strip() for name in action.option_strings if not name.startswith("--images")]
    return ", ".join(map(code, names or [value])), _help(action)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 and action.option_strings:
        return ""
    return argparse.HelpFormatter("")._format_args(action, _metavar(action))


def _metavar(action: argparse.Action) -> str:
    if action.choices is not None and action.metavar is None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def _help(action: argparse.Action) -> str:
    known: dict[str, Any] = {**vars(action), "prog": "segforge"}
    return prose((action.help or "") % known)


def options_page() -> str:
    """Returns the page of the options that the configuration file may state."""
    parts = [OPTIONS]
    for name, module in CONFIGURABLE.items():
        parser = parser_of(f"segforge {name}", importlib.import_module(module), {})
        rows = (_option(field) for field in fields_of(parser).values())
        parts += [f"## [{name}]\n", table(("option", "value", "what it does"), rows)]
    parts.append("## Never in the file\n")
    parts.append(table(("option", "why"), ((code(name), prose(why)) for name, why in ONLY_AS_FLAG.items())))
    return "\n".join(parts)


def _option(field: ConfigField) -> tuple[str, str, str]:
    if field.form == "switch":
        kind = "true or false"
    else:
        values = field.item.get("enum")
        kind = " or ".join(f'"{value}"' for value in values) if values else str(field.item.get("type", "see the text"))
        kind = {"string": "text", "integer": "whole number"}.get(kind, kind)
        kind = f"list of {kind}" if field.form == "list" else kind
    return code(field.name), words(kind), _help(field.action)
