"""Emits the Python client."""
