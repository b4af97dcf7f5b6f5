"""Faults of the kinds that hid from the contract tests of 2026-11: each kind has at least two."""
