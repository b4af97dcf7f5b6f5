"""Reads docs pages, HTML or text, as facts with their places and confidence, and compares them with specs."""
