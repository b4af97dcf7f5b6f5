"""Drafts specs from OpenAPI 3 documents."""
