"""Faults on purpose: the scenarios that the mock can play, and the stubs that choose them."""
