"""The vendor's list of models: read, compared with `directory.yaml`, and written to it."""
