"""Keeps compiled templates beside their sources, as Python keeps its modules: compiling them takes 0.25 s per process.

They are as trusted as Python's own `.pyc` files, which lie in the same kind of folder.
"""

import hashlib
import pickle
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from segforge.files import write_atomically

_JINJA: Final = "jinja" + "".join(filter(str.isalnum, jinja2.__version__))

_OPTIONS: Final = (Path(__file__).parent / "quoting.py").read_bytes()
"""The module that makes the environment, since its options change the bytecode."""


class TemplateBytecode(BytecodeCache):
    """The bytecode of the templates in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        """Returns the name of the template."""
        return name

    def get_source_checksum(self, source: str) -> str:
        """Returns a digest of all that a template's bytecode depends on: its text, and the options of Jinja."""
        return hashlib.sha256(_OPTIONS + source.encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Loads the bytecode of a template. Without a valid file, Jinja compiles it."""
        with suppress(OSError, NotImplementedError, EOFError, ValueError, pickle.UnpicklingError):
            bucket.bytecode_from_string(self._path(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Stores the bytecode of a template, unless the folder can't be written to or Python is told to store none."""
        if not sys.dont_write_bytecode:
            with suppress(OSError, NotImplementedError):
                write_atomically(self._path(bucket), bucket.bytecode_to_string())

    def _path(self, bucket: Bucket) -> Path:
        return Path(cache_from_source(str(self._folder / bucket.key), optimization=_JINJA))
