"""Targets, which answer requests: over HTTP, in process, from a journal, or within a spending cap."""
