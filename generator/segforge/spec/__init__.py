"""Reads the specs: YAML files in, a Catalog or findings out."""
