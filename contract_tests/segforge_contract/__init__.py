"""Contract tests: what must hold between a request to the gateway and its answer."""
