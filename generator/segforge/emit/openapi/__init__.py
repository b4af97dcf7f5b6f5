"""Emits OpenAPI 3.1 documents."""
