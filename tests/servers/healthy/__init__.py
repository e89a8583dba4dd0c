"""The server behind tests/servers/healthy_server.py."""
