"""Findings: known deviations, kept failures, coverage, and the comparison of two gateways."""
