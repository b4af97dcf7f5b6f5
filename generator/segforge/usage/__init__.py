"""Reads a code base for calls of the gateway, and judges them by the specs."""
