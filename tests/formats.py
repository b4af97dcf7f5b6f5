"""Formats of other people: the schemas of reports, and how GitHub's runner reads the output of a step."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft4Validator, Draft6Validator, Draft7Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT6

_SCHEMAS: Final = Path(__file__).parent / "schemas"


def violations(form: str, document: Any) -> list[str]:
    """Returns where a document violates the schema of `sarif`, `ctrf` or `har`, and how."""
    found = _validator(form).iter_errors(document)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


@cache
def _validator(form: str) -> Any:
    checker = FormatChecker()
    if form == "har":
        files = {path.name: json.loads(path.read_bytes()) for path in (_SCHEMAS / "har").glob("*.json")}
        known = [(name, Resource.from_contents(schema, DRAFT6)) for name, schema in files.items()]
        return Draft6Validator(files["har.json"], registry=Registry().with_resources(known), format_checker=checker)
    schema = json.loads((_SCHEMAS / f"{form}.json").read_bytes())
    return (Draft4Validator if form == "sarif" else Draft7Validator)(schema, format_checker=checker)


@dataclass(frozen=True)
class RunnerCommand:
    """A workflow command that the runner executes."""

    name: str
    properties: dict[str, str]
    text: str


def commands_in(output: str) -> list[RunnerCommand]:
    """Returns the commands that GitHub's runner finds in the output of a step, without those about stopping.

    It reads `::name key=value::text` at the start of a line, and `##[name key=value]text` anywhere in it.
    """
    found: list[RunnerCommand] = []
    token = None
    for line in re.split(r"\r\n|\r|\n", output):
        if token is not None:
            token = None if line.strip() == f"::{token}::" else token
            continue
        match = re.match(r"\s*::([^ :]+)(?: (.*?))?::(.*)", line) or re.search(r"##\[([^ \]]+)(?: (.*?))?\](.*)", line)
        if match is None:
            continue
        name, listed, text = match[1], match[2] or "", _decoded(match[3])
        if name == "stop-commands":
            token = text
            continue
        pairs = (pair.partition("=") for pair in listed.split(",") if "=" in pair)
        found.append(RunnerCommand(name, {key: _decoded(value) for key, _, value in pairs}, text))
    return found


def _decoded(text: str) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, character)
    return text
