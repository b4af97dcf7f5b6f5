"""Reads Python with the parser of Python itself. Nothing of the code is executed."""

from segforge.usage.python.calls import read_python

__all__ = ["read_python"]
