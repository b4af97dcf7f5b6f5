"""Reads docs pages: HTML or text in, a Page of facts with their places and confidence out."""
