"""Shared by the clients of both languages: texts, errors, versions, change log and public surface."""
