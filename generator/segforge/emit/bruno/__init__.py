"""Emits a collection for Bruno (https://www.usebruno.com), an API client with a window and a command line."""
