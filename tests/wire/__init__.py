"""The wire catalogue: messages as bytes, and the exact answer to each. README.md says how cases are written."""
