"""Emitters: from the Catalog to the files of clients, OpenAPI documents and the mock's models."""
