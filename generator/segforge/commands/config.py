"""Print the options that hold for contract, generate and mock, and the source of each: flag, file, or default.

Flags of a command may follow its name, to see their effect: `segforge config contract --max-spend 2`. Keys are never
printed.
"""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from segforge.configuration.apply import HeldValue, configured
from segforge.configuration.file import KEY_VARIABLE, find, read, shown
from segforge.configuration.schema import parser_of, text
from segforge.configuration.table import CONFIGURABLE, visible
from segforge.console import console
from segforge.options import Misuse
from segforge.spec.printable import show

_KEY_SET: Final = "set, not shown"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration file")
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="COMMAND [OPTION ...]",
        help=f"only this command, with these flags: {', '.join(CONFIGURABLE)}",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the options. Returns 0. Raises Misuse for a configuration that is not valid."""
    if args.schema:
        console().print(text().rstrip(), markup=False)
        return 0
    name, *flags = args.command or [""]
    if name and name not in CONFIGURABLE:
        raise Misuse(f"unknown command {show(name)}; expected one of {', '.join(CONFIGURABLE)}")
    commands = [name] if name else list(CONFIGURABLE)
    found = {each: configured(parser_of(each), each, flags, nested=False) for each in commands}
    given = next(each.arguments for each in found.values())
    file = None if given.no_config else read(given.config) if given.config else find(Path.cwd())
    path = None if file is None else shown(file.path)
    held = {command: each.values for command, each in found.items()}
    if args.json:
        console().print(json.dumps(_as_json(path, held), indent=2), markup=False)
    else:
        _print(path, held)
    return 0


def _as_json(path: str | None, held: Mapping[str, Mapping[str, HeldValue]]) -> dict[str, Any]:
    return {
        "file": path,
        KEY_VARIABLE: {"value": _KEY_SET if os.environ.get(KEY_VARIABLE) else None, "source": "environment"},
    } | {
        command: {
            name: {"value": visible(each.value), "source": each.source} | ({"place": each.place} if each.place else {})
            for name, each in values.items()
        }
        for command, values in held.items()
    }


def _print(path: str | None, held: Mapping[str, Mapping[str, HeldValue]]) -> None:
    out = console()
    out.print(f"file: {path or 'none'}", markup=False)
    key = _KEY_SET if os.environ.get(KEY_VARIABLE) else "not set"
    out.print(f"{KEY_VARIABLE}: {key} (environment)", markup=False)
    width = max(len(name) for values in held.values() for name in values)
    for command, values in held.items():
        out.print(f"\n[{command}]", markup=False, style="bold")
        for name, each in values.items():
            value = "-" if each.value is None else show(visible(each.value))
            line = f"{name:{width}}  {value:30}  {each.place or each.source}"
            out.print(line, markup=False, style="dim" if each.source == "default" else None)
