"""Cases made from the Catalog: one request each, with the outcomes that keep the rule it tests."""
