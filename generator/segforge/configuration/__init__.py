"""The configuration file: `segforge.toml`, or `[tool.segforge]` in pyproject.toml."""
