"""The validating proxy to a real gateway, and its comparison of answers with the specs."""
