"""Recordings: exchanges with a gateway, stored as files that people can read and edit, and replayed offline."""
