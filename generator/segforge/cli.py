"""The command line. Commands are loaded when they are called, so that `segforge --help` is instant."""

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command: the module with its `configure(parser)` and `run(args) -> exit code`, and one line of help.

    A module may hold `COMMANDS` of its own: `segforge contract rules` is the command `rules` of `contract`.
    """

    module: str
    help: str


COMMANDS: Final = {
    "lint": Command("segforge.commands.lint", "check the specs and say what is wrong with them, and where"),
    "generate": Command(
        "segforge.commands.generate", "write clients, OpenAPI documents and the mock's models from the specs"
    ),
    "page": Command("segforge.commands.page", "print what a saved docs page states, and what it leaves undecided"),
    "import": Command("segforge.commands.import_", "draft specs from docs pages, or from an OpenAPI document"),
    "drift": Command("segforge.commands.drift", "hold docs pages against the specs and say what changed"),
    "fetch": Command("segforge.commands.fetch", "get docs pages over HTTP and keep them with date and hash"),
    "diff": Command("segforge.commands.diff", "say what changed between two sets of specs, and for whom"),
    "mock": Command("segforge_mock.command", "serve a mock of the gateway"),
    "contract": Command("segforge_contract.command", "check that a gateway keeps what its docs promise"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code: 0 fine, 1 findings, 2 misuse."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    name = arguments[0] if arguments else ""
    if name == "--version":
        print(f"segforge {_version()}")
        return 0
    if name not in COMMANDS:
        _overview().parse_args(arguments or ["--help"])
        return 2
    prog, rest = f"segforge {name}", arguments[1:]
    module = importlib.import_module(COMMANDS[name].module)
    nested: Mapping[str, Command] = getattr(module, "COMMANDS", {})
    if rest and rest[0] in nested:
        prog, module, rest, nested = f"{prog} {rest[0]}", importlib.import_module(nested[rest[0]].module), rest[1:], {}
    parser = argparse.ArgumentParser(
        prog=prog,
        description=module.__doc__,
        epilog=" ".join(f"`{prog} {name}`: {command.help}." for name, command in nested.items()) or None,
        allow_abbrev=False,
    )
    module.configure(parser)
    try:
        code: int = module.run(parser.parse_args(rest))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("segforge")


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segforge",
        description="Clients, OpenAPI documents, a mock and contract tests for the Segmind API, from YAML specs.",
        epilog="Exit codes: 0 fine, 1 findings, 2 misuse. `segforge COMMAND --help` explains a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version, and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
