"""Reads parameters, code samples and status codes in each layout of docs pages."""
