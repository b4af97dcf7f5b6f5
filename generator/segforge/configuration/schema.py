"""The JSON Schema of the configuration file, derived from the options of the commands."""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any, Final

from segforge.configuration.table import CONFIGURABLE, fields_of

FILE: Final = Path(__file__).with_name("segforge.schema.json")
"""The schema as it is shipped; `segforge config --schema` prints the same text."""


def parser_of(command: str) -> argparse.ArgumentParser:
    """A parser with the options of a command, and no others."""
    parser = argparse.ArgumentParser(prog=f"segforge {command}", allow_abbrev=False)
    importlib.import_module(CONFIGURABLE[command]).configure(parser)
    return parser


def schema() -> dict[str, Any]:
    """The schema of segforge.toml, and of `[tool.segforge]` in pyproject.toml."""
    tables = {}
    for command in CONFIGURABLE:
        fields = fields_of(parser_of(command)).values()
        tables[command] = {
            "description": f"Options of `segforge {command}`. Flags win.",
            "type": "object",
            "additionalProperties": False,
            "properties": {field.name: field.schema for field in fields},
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "segforge.toml, or [tool.segforge] in pyproject.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": tables,
    }


def text() -> str:
    """The schema as text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
