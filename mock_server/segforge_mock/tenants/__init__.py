"""Tenants: the settings and the history of each API key."""
