"""Behind tools/conformance: third-party conformance suites, direct and through peerpulse."""
