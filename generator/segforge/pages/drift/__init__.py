"""Compares docs pages with curated specs, and writes the facts that a page proves."""
