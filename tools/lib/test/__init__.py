"""Runs the suites and counts their cases; see tools/test."""
