"""The command line. Commands are loaded when they are called, so that `segforge --help` is instant."""

import argparse
import importlib
import io
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
    "mock": Command("segforge_mock.cli", "serve a mock of the gateway"),
    "contract": Command("segforge_contract.cli.contract", "check that a gateway keeps what its docs promise"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code: 0 fine, 1 findings, 2 misuse, 130 interrupted; some commands have a 3."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    name = arguments[0] if arguments else ""
    try:
        _open_outputs()
        if name == "--version":
            print(f"segforge {_version()}")
            return 0
        if name not in COMMANDS:
            _overview().parse_args(arguments or ["--help"])
            return 2
        code = _run(name, arguments[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        _discard_output()
        print(f"segforge {name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def _run(name: str, rest: list[str]) -> int:
    prog = f"segforge {name}"
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
    for each in rest:
        if not each.strip() or (each.startswith("--") and each.endswith("=")):
            parser.error(f"{each.strip() or 'an argument'} is empty; is a variable of the shell not set?")
    code: int = module.run(parser.parse_args(rest))
    return code


def _open_outputs() -> None:
    """Make both outputs take any text, also where the shell closed them or the locale knows ASCII only."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Nobody takes what was printed: keep the interpreter from trying again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version() -> str:
    from importlib.metadata import version

    return version("segforge")


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segforge",
        description="Clients, OpenAPI documents, a mock and contract tests for the Segmind API, from YAML specs.",
        epilog="Exit codes: 0 fine, 1 findings, 2 misuse, 130 interrupted; `segforge COMMAND --help` tells of others.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version, and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
