"""The command line. Commands are imported when they are called, so that `segforge --help` starts at once."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Final, NamedTuple, TextIO

from segforge.extras import MissingExtra, require_extra
from segforge.options import Misuse


class Command(NamedTuple):
    """A command: its module, which defines `configure(parser)` and `run(args) -> exit code`, and one line of help.

    A module may define `COMMANDS` of its own: `segforge contract rules` is the command `rules` of `contract`.
    """

    module: str
    help: str
    extra: str = ""
    """The extra of segforge that the command needs, or "" if the base install is enough or the command checks."""


COMMANDS: Final = {
    "lint": Command("segforge.commands.lint", "check the specs and list every error with its place"),
    "generate": Command(
        "segforge.commands.generate", "write clients, OpenAPI documents and the mock's models from the specs"
    ),
    "page": Command(
        "segforge.commands.page", "print the facts of a saved docs page, and those it leaves undecided", "pages"
    ),
    "import": Command("segforge.commands.import_", "draft specs from docs pages or from an OpenAPI document", "pages"),
    "drift": Command("segforge.commands.drift", "compare docs pages with the specs and list the changes", "pages"),
    "fetch": Command("segforge.commands.fetch", "download docs pages and store them with date and hash", "pages"),
    "diff": Command(
        "segforge.commands.diff", "list the changes between two sets of specs, and which break callers", "pages"
    ),
    "directory": Command("segforge.commands.directory", "list, search and show the models of the gateway's directory"),
    "check-usage": Command(
        "segforge.commands.check_usage", "check code that calls the gateway: models, parameters, and prices"
    ),
    "mock": Command("segforge_mock.cli", "serve a mock of the gateway"),
    "record": Command("segforge_mock.recordings.cli", "convert recorded traffic, and draft spec facts from it"),
    "contract": Command("segforge_contract.cli.contract", "test a gateway against its docs", "contract"),
    "config": Command("segforge.commands.config", "print the options that hold, and where each is from"),
}

_CONFIGURABLE: Final = ("contract", "generate", "mock")
"""The commands that read the configuration file."""
_MISUSE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the exit code: 0 success, 1 findings, 2 misuse, 130 interrupted; some commands use 3."""
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
        _discard(sys.stdout)
        return 1
    except (MissingExtra, Misuse) as error:
        _complain(f"segforge {name}: {error}")
        return 2
    except OSError as error:
        _discard(sys.stdout)
        _complain(f"segforge {name}: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def _run(name: str, rest: list[str]) -> int:
    prog = f"segforge {name}"
    if COMMANDS[name].extra:
        require_extra(COMMANDS[name].extra, f"`{prog}`")
    module = importlib.import_module(COMMANDS[name].module)
    nested: Mapping[str, Command] = getattr(module, "COMMANDS", {})
    if rest and rest[0] in nested:
        prog, module, rest, nested = f"{prog} {rest[0]}", importlib.import_module(nested[rest[0]].module), rest[1:], {}
    parser = parser_of(prog, module, nested)
    for each in rest:
        if not each.strip() or (each.startswith("--") and each.endswith("=")):
            parser.error(f"{each.strip() or 'an argument'} is empty. Is a shell variable unset?")
    if name not in _CONFIGURABLE:
        return _run_with_specs(prog, parser, module.run, rest)
    from segforge.configuration.apply import configured

    given = configured(parser, name, rest, nested=prog != f"segforge {name}")
    code: int = module.run(given.arguments)
    if code == _MISUSE and given.from_file:
        print(f"{prog}: from the configuration file: {given.from_file}; --no-config ignores it", file=sys.stderr)
    return code


def parser_of(prog: str, module: ModuleType, nested: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Returns the parser of a command, which its module configures. `nested` are the commands below it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=module.__doc__,
        epilog=" ".join(f"`{prog} {name}`: {command.help}." for name, command in nested.items()) or None,
        allow_abbrev=False,
    )
    module.configure(parser)
    return parser


def _run_with_specs(
    prog: str, parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int], rest: list[str]
) -> int:
    """Runs a command that has no table in the configuration file. Its specs may be from there."""
    from segforge.configuration.apply import with_specs

    arguments, place = with_specs(parser, rest)
    code = run(arguments)
    if code == _MISUSE and place:
        print(f"{prog}: from the configuration file: specs ({place}); --no-config ignores it", file=sys.stderr)
    return code


def _open_outputs() -> None:
    """Makes both outputs accept any text, even if the shell closed them or the locale is limited to ASCII."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> None:
    """Prints a message on standard error, if that can be written to."""
    try:
        print(message, file=sys.stderr)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Points an output at /dev/null, so that the interpreter doesn't try to flush a closed pipe when it exits."""
    with suppress(OSError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _version() -> str:
    from importlib.metadata import version

    return version("segforge")


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segforge",
        description="Clients, OpenAPI documents, a mock and contract tests for the Segmind API, from YAML specs.",
        epilog="Exit codes: 0 success, 1 findings, 2 misuse, 130 interrupted; `segforge COMMAND --help` lists others.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
