"""Clients and servers of asyncio whose every byte, pause and end a test decides; both roles share this code."""
