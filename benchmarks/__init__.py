"""Benchmarks: ratios measured in one run, results checked first, a table and JSON printed."""
