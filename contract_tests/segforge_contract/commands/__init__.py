"""Commands below `segforge contract`, one a module: `configure(parser)` and `run(args) -> exit code`."""
