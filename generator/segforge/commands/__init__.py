"""The commands of `segforge`, one module each. A module's docstring is the help text of its command."""
