"""The rules: what a gateway promises, each under its name."""
