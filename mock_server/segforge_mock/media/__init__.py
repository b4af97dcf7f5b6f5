"""The outputs of runs: one module per medium."""
