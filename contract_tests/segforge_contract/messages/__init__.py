"""Requests, responses, and a request as a curl command."""
