"""The code of a page of the docs: files with a name, and commands."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Final

from tests.shared import started
from tests.typescript.conftest import TOOLS

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
PORT: Final = "8086"
"""The port of the mock on all pages."""
_BLOCK: Final = re.compile(r"^```(\w+)(?: title=\"([\w.]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INSTALLS: Final = (
    "python3 -m venv",
    ".venv/bin/pip install",
    "make -C",
    "npm init",
    "npm install",
    "export SEGFORGE=",
)
"""Commands whose result the environment of the tests already is."""
_PROGRAMS: Final = {
    ".venv/bin/": f"{BIN}/",
    "npx tsc": f"node {TOOLS / 'typescript' / 'bin' / 'tsc'}",
    "npx vitest": f"node {TOOLS / 'vitest' / 'vitest.mjs'}",
    "npx segforge-mock": "node node_modules/segforge-mock/dist/bin.js",
}
"""Programs of a page, and those of the tests' environment."""


@dataclass(frozen=True)
class Block:
    """A block of code, with the name of its file if it has one."""

    language: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    """Returns the blocks of a page of docs/, in their order."""
    return [Block(*found) for found in _BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))]


def follow(page: str, folder: Path, exits: Mapping[str, int], more: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Follows a page to the letter in a folder: writes its files, and runs its commands. Yields each with its output.

    A server runs until the end, on a free port. `exits` are the exit codes other than 0, and `more` are further
    arguments, which make a command cheaper; both by the start of the command.
    """
    port = free_port()
    with ExitStack() as servers:
        for block in blocks(page):
            text = _on(port, block.text)
            if block.name:
                (folder / block.name).write_text(text, "utf-8")
            for command in text.splitlines() if block.language == "sh" else ():
                if command.startswith(_INSTALLS):
                    continue
                if command.startswith((".venv/bin/segforge mock", "npx segforge-mock")):
                    server = started(_words(command), stdout=subprocess.PIPE, cwd=folder)
                    output = servers.enter_context(server).stdout
                    assert output is not None
                    yield command, output.readline()
                    continue
                extra = [shlex.split(added) for start, added in more.items() if start in command]
                done = subprocess.run(
                    [*_words(command), *(word for words in extra for word in words)],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=300,
                )
                expected = next((code for start, code in exits.items() if start in command), 0)
                assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
                yield command, done.stdout


def on_free_port(text: str) -> str:
    """Returns code of a page, with a free port instead of the page's."""
    return _on(free_port(), text)


def _on(port: str, text: str) -> str:
    return text.replace(f":{PORT}", f":{port}").replace(f"--port {PORT}", f"--port {port}")


def _words(command: str) -> list[str]:
    """Returns the words of a command, with the programs of the tests' own environment."""
    for written, ours in _PROGRAMS.items():
        command = command.replace(written, ours)
    words = shlex.split(command)
    return ["env", *words] if "=" in words[0] else words


def free_port() -> str:
    """Returns a port on which nothing listens."""
    with closing(socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])
