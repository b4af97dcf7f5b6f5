"""Combines the flags of a command, the configuration file and the defaults. Flags win."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from segforge.configuration.file import KEY_VARIABLE, BadConfiguration, ConfigFile, find, read
from segforge.configuration.table import (
    CONFIGURABLE,
    ONLY_AS_FLAG,
    SHARED_WITH_NESTED,
    SPECS_TABLE,
    ConfigField,
    field_of,
    fields_of,
    found_kind,
    secret_in,
    under,
    visible,
)
from segforge.spec.printable import show
from segforge.spec.search import meant, near_slugs

Source: TypeAlias = Literal["flag", "file", "default"]
_NOT_GIVEN: Final = object()


@dataclass(frozen=True)
class HeldValue:
    """The value of an option, and its source; `place` is the file and line, or ""."""

    value: Any
    source: Source
    place: str = ""


@dataclass(frozen=True)
class Configured:
    """The arguments of a command, and the value of each option by its name in the file."""

    arguments: argparse.Namespace
    values: Mapping[str, HeldValue]

    @property
    def from_file(self) -> str:
        """The options that the file states, each with its place: `mock.port (segforge.toml:2)`."""
        return ", ".join(f"{name} ({each.place})" for name, each in self.values.items() if each.source == "file")


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares `--config`, `--no-config`, and for each switch the flag that undoes it, such as `--no-log`."""
    known = {name for action in parser._actions for name in action.option_strings}
    for field in fields_of(parser).values():
        flag = f"--{field.name.removeprefix('no-')}" if field.name.startswith("no-") else f"--no-{field.name}"
        if field.form == "switch" and flag not in known:
            parser.add_argument(flag, dest=field.action.dest, action="store_false", help=argparse.SUPPRESS)
    _declare_file(parser)


def _declare_file(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("configuration file").add_mutually_exclusive_group()
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="read options from this file (default: the nearest segforge.toml)"
    )
    group.add_argument("--no-config", action="store_true", help="ignore the configuration file")


def configured(parser: argparse.ArgumentParser, command: str, words: Sequence[str], *, nested: bool) -> Configured:
    """Parses the flags and adds what the configuration file states for a command. Raises Misuse.

    `nested`: the parser is that of a command below it, such as `segforge contract rules`, which shares few options.
    """
    fields = fields_of(parser)
    declare(parser)
    given = _given(parser, words)
    if nested:
        fields = {name: fields[name] for name in SHARED_WITH_NESTED if name in fields}
    file = _file(given)
    flagged = {action.dest for action in parser._actions if getattr(given, action.dest, None) not in (_NOT_GIVEN, None)}
    stated = {} if file is None else _stated(file, command, fields, nested=nested)
    _check_pairs(parser, command, stated, file)
    undone = _undone(parser, flagged)
    values = {}
    for name, field in fields.items():
        dest = field.action.dest
        if dest in flagged:
            values[name] = HeldValue(getattr(given, dest), "flag")
        elif name in stated and dest not in undone and file is not None:
            values[name] = HeldValue(stated[name], "file", file.place(command, name))
        else:
            values[name] = HeldValue(_default(field.action), "default")
        setattr(given, dest, values[name].value)
    for action in parser._actions:
        if getattr(given, action.dest, None) is _NOT_GIVEN:
            setattr(given, action.dest, _default(action))
    return Configured(given, values)


def with_specs(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[argparse.Namespace, str]:
    """Parses the flags of a command without a table in the file. Its `--specs` defaults to those of `[generate]`.

    Returns the arguments, and the place in the file if the specs are from there, otherwise "". Raises Misuse.
    """
    actions = [each for each in _all_actions(parser) if "--specs" in each.option_strings]
    if not actions:
        return parser.parse_args(words), ""
    _declare_file(parser)
    default, field = actions[0].default, field_of(actions[0])
    for action in actions:
        action.default = _NOT_GIVEN
    given = parser.parse_args(words)
    if getattr(given, "specs", None) is not _NOT_GIVEN:
        return given, ""
    file = _file(given)
    stated = {} if file is None else _stated(file, SPECS_TABLE, {"specs": field}, nested=True)
    given.specs = stated.get("specs", default)
    return given, file.place(SPECS_TABLE, "specs") if file is not None and stated else ""


def _all_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yields the actions of a parser and of the commands below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _all_actions(below)


def stated_by(parser: argparse.ArgumentParser, command: str, folder: Path) -> dict[str, Any]:
    """The options that the configuration file of a folder states for a command, by name. Raises Misuse."""
    file = find(folder)
    return {} if file is None else _stated(file, command, fields_of(parser), nested=False)


def check_tables(file: ConfigFile) -> None:
    """Raises BadConfiguration for a table that no command has."""
    for name, table in file.tables.items():
        if name not in CONFIGURABLE:
            if secret_in(name, table):
                raise _secret(file, name)
            raise BadConfiguration(
                f"{file.place(name)}: found {show(name)}; expected the tables {', '.join(CONFIGURABLE)}"
                f"{_nearest(name, CONFIGURABLE)}"
            )
        if not isinstance(table, dict):
            raise BadConfiguration(
                f"{file.place(name)}: {name}: found {found_kind(table)}; expected a table of options, [{name}]"
            )


def _file(given: argparse.Namespace) -> ConfigFile | None:
    if given.no_config is True:
        return None
    file = read(given.config) if isinstance(given.config, Path) else find(Path.cwd())
    if file is not None:
        check_tables(file)
    return file


def _given(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parses flags. Options that weren't given hold _NOT_GIVEN, or None if the option may be repeated."""
    namespace = argparse.Namespace()
    for action in parser._actions:
        if argparse.SUPPRESS not in (action.dest, action.default):
            repeated = isinstance(action, argparse._AppendAction)
            setattr(namespace, action.dest, None if repeated else _NOT_GIVEN)
    return parser.parse_args(words, namespace)


def _default(action: argparse.Action) -> Any:
    if isinstance(action.default, str) and callable(action.type):
        return action.type(action.default)
    return action.default


def _undone(parser: argparse.ArgumentParser, flagged: set[str]) -> set[str]:
    """The options whose value in the file a flag cancels: the others of its exclusive group, and `no-X` for `--X`."""
    groups = [{action.dest for action in group._group_actions} for group in parser._mutually_exclusive_groups]
    excluded = {dest for group in groups if group & flagged for dest in group - flagged}
    return excluded | {f"no_{dest}" for dest in flagged} | {dest.removeprefix("no_") for dest in flagged} - flagged


def _check_pairs(
    parser: argparse.ArgumentParser, command: str, stated: Mapping[str, Any], file: ConfigFile | None
) -> None:
    for group in parser._mutually_exclusive_groups:
        names = [name for action in group._group_actions if stated.get(name := action.dest.replace("_", "-"))]
        if len(names) > 1 and file is not None:
            first, second = names[:2]
            raise BadConfiguration(
                f"{file.place(command, second)}: {command}.{second}: not allowed beside {first}; remove one of them"
            )


def _stated(file: ConfigFile, command: str, fields: Mapping[str, ConfigField], *, nested: bool) -> dict[str, Any]:
    """The values in the table of a command, converted. Raises BadConfiguration."""
    table = file.tables.get(command, {})
    values = {}
    for name, value in table.items():
        if name in ONLY_AS_FLAG:
            raise BadConfiguration(f"{file.place(command, name)}: {command}.{name}: {ONLY_AS_FLAG[name]}")
        if secret_in(name, value):
            raise _secret(file, command, name)
        if name in fields:
            values[name] = _value(file, command, fields[name], value)
        elif not nested:
            raise BadConfiguration(
                f"{file.place(command, name)}: {command}.{show(name)}: no such option; expected one of "
                f"`segforge {command} --help`{_nearest(name.replace('_', '-'), fields)}"
            )
    return values


def _secret(file: ConfigFile, *field: str) -> BadConfiguration:
    return BadConfiguration(
        f"{file.place(*field)}: {show('.'.join(field))}: it seems to hold a key, which must not be in this file. "
        f"Remove it, and set the environment variable {KEY_VARIABLE}"
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    found = meant(near_slugs(name, list(names), 1), "")
    return f"; {found}" if found else ""


def _value(file: ConfigFile, command: str, field: ConfigField, value: object) -> Any:
    def wrong(expected: str, found: str) -> BadConfiguration:
        place = file.place(command, field.name)
        return BadConfiguration(f"{place}: {command}.{field.name}: expected {expected}, found {found}")

    if field.form == "switch":
        if not isinstance(value, bool):
            raise wrong("true or false", _found(value))
        return value
    if field.form == "list":
        if not isinstance(value, list) or not value:
            raise wrong("an array of texts that is not empty", _found(value))
        return [_single(file, field, item, wrong) for item in value]
    return _single(file, field, value, wrong)


def _single(file: ConfigFile, field: ConfigField, value: object, wrong: Any) -> Any:
    kinds = _kinds(field.item)
    if not any(_is(kind, value) for kind in kinds):
        raise wrong(" or ".join(_WORDS[kind] for kind in kinds), _found(value))
    text = str(value)
    if isinstance(value, str):
        if not value.strip() or "\0" in value:
            raise wrong("a text that is not empty", show(value))
        text = under(file.folder, field.name, value, field)
    try:
        converted = field.convert(text)
    except argparse.ArgumentTypeError as error:
        raise wrong(str(error).removeprefix("expected ").partition(", found ")[0], show(visible(value))) from None
    except ValueError:
        raise wrong(" or ".join(_WORDS[kind] for kind in kinds), show(visible(value))) from None
    choices = field.action.choices
    if choices is not None and converted not in choices:
        raise wrong(f"one of {', '.join(choices)}", f"{show(visible(value))}{_nearest(text, choices)}")
    return converted


_WORDS: Final = {"integer": "a whole number", "number": "a number", "string": "a text"}


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kinds = [kind for each in schema.get("anyOf", [schema]) for kind in _listed(each["type"])]
    return list(dict.fromkeys(kinds))


def _listed(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def _is(kind: str, value: object) -> bool:
    from decimal import Decimal

    types: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, Decimal), "string": (str,)}
    return isinstance(value, types[kind]) and not isinstance(value, bool)


def _found(value: object) -> str:
    if isinstance(value, str):
        return f"the text {show(visible(value))}"
    return (
        f"{found_kind(value)}, {value}" if isinstance(value, int) and not isinstance(value, bool) else found_kind(value)
    )
