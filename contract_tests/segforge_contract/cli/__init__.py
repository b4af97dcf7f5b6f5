"""The commands below `segforge contract`, one module each: `configure(parser)` and `run(args) -> exit code`."""
