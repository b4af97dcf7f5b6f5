"""The options of a command as fields of the configuration file, read from the declarations of the command itself."""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from segforge.configuration.file import KEY_VARIABLE
from segforge.options import OptionType

Form: TypeAlias = Literal["switch", "list", "single"]

CONFIGURABLE: Final[Mapping[str, str]] = {
    "contract": "segforge_contract.cli.contract",
    "generate": "segforge.commands.generate",
    "mock": "segforge_mock.cli",
}
"""The commands that have a table in the configuration file, and the module that declares the options of each."""

SHARED_WITH_NESTED: Final = ("specs", "models", "profile", "house-rules")
"""The fields of `[contract]` that `segforge contract rules`, `explain` and `compare` use too."""

SPECS_TABLE: Final = "generate"
"""The table whose `specs` are the default of all other commands that read specs."""

ONLY_AS_FLAG: Final[Mapping[str, str]] = {
    "api-key": "an API key must not be in this file. Write keys to a file of their own and name it in keys-file, or "
    f"pass --api-key; callers read their key from {KEY_VARIABLE}",
    "admin-token": "a token must not be in this file. Pass --admin-token",
    "yes": "consent to spend credits is given for each run. Pass --yes",
}
"""Options that are never read from a file, and what to do instead."""

_SECRET_NAMES: Final = re.compile(r"(^|[-_.])(api-?_?key|key|token|secret|password)$", re.IGNORECASE)
_SECRET_VALUES: Final = re.compile(r"\bSG_[0-9A-Za-z]{8,}")
_USER: Final = re.compile(r"(?<=://)[^/\s@]*@")
_PATHS_IN_TEXT: Final = {"database": "", "store": "sqlite:///", "house-rules": ""}
"""Options that are text and may hold a path, and the text before the path."""


@dataclass(frozen=True)
class ConfigField:
    """An option as a field of the file."""

    name: str
    action: argparse.Action
    form: Form
    item: Mapping[str, Any]
    """The JSON Schema of its value, or of each item of a list."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the field."""
        text = (self.action.help or "") % {**vars(self.action), "prog": "segforge"}
        value = {"type": "array", "items": dict(self.item), "minItems": 1} if self.form == "list" else dict(self.item)
        return {"description": text, **value}

    @property
    def convert(self) -> Callable[[str], Any]:
        """The function that converts the text of a value, as on the command line."""
        function: Callable[[str], Any] = self.action.type if callable(self.action.type) else str
        return function


def fields_of(parser: argparse.ArgumentParser) -> dict[str, ConfigField]:
    """The fields by name, in the order of the declarations."""
    fields = (field_of(action) for action in parser._actions if action.option_strings and _is_setting(action))
    return {field.name: field for field in fields if field.name not in ONLY_AS_FLAG}


def secret_in(name: str, value: object) -> bool:
    """Whether a field seems to hold a key, by its name or its value."""
    if name not in ("keys-file", "key-format") and _SECRET_NAMES.search(name):
        return True
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, str) and _SECRET_VALUES.search(item) for item in items)


def visible(value: object) -> object:
    """A value for messages and listings, as JSON, without the user and the password of URLs."""
    if isinstance(value, list | tuple):
        return [visible(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _SECRET_VALUES.sub("***", _USER.sub("***@", str(value)))


def under(folder: Path, name: str, value: str, field: ConfigField) -> str:
    """A text from the file, with a relative path in it made relative to the file's folder."""
    if field.action.type is Path:
        return str(folder / value)
    start = _PATHS_IN_TEXT.get(name)
    if start is None or not value.startswith(start) or (not start and "://" in value):
        return value
    if name == "house-rules" and ".py:" not in value:
        return value
    return start + str(folder / value[len(start) :])


def _is_setting(action: argparse.Action) -> bool:
    return action.dest not in ("help", "config", "no_config") and action.help != argparse.SUPPRESS


def field_of(action: argparse.Action) -> ConfigField:
    """An option as a field of the file."""
    name = action.dest.replace("_", "-")
    if action.nargs == 0:
        return ConfigField(name, action, "switch", {"type": "boolean"})
    form: Form = "list" if action.nargs == "+" or isinstance(action, argparse._AppendAction) else "single"
    return ConfigField(name, action, form, _item(action))


def _item(action: argparse.Action) -> dict[str, Any]:
    if action.choices is not None:
        return {"type": "string", "enum": list(action.choices)}
    if isinstance(action.type, OptionType):
        return dict(action.type.schema)
    simple = {None: "string", Path: "string", int: "integer"}
    if action.type not in simple:
        raise TypeError(f"--{action.dest}: declare its type with segforge.options.OptionType, which has a JSON Schema")
    return {"type": simple[action.type]} | ({"minLength": 1} if action.type is not int else {})


def found_kind(value: object) -> str:
    """The kind of a TOML value in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, words in ((int, "a whole number"), (Decimal, "a number"), (str, "a text"), (list, "an array")):
        if isinstance(value, kind):
            return words
    return "a table" if isinstance(value, dict) else "a date or a time"
