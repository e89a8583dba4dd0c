"""The bench behind tools/bench/healthy: what an operator fears of a sidecar.

A scenario is one of a module-level `SCENARIOS` of a module listed in registry.py. Its clients run twice at the same
time: against its server, and against the same server through peerpulse.
"""
