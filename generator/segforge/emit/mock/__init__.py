"""The emitter of the mock's packaged facts."""
