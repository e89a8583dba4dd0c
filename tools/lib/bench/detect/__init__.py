"""The bench behind tools/bench/detect: how fast a dead peer is found, and that no other is.

A scenario is a module-level `SCENARIOS` of a module listed in registry.py. It gets Settings and returns one dict,
made by report().
"""
