"""The phases of a run, each a function of a session that returns failures."""
