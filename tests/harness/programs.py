"""Where the programs are that the tests bring along."""

import pathlib

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "servers"
CLIENTS = pathlib.Path(__file__).resolve().parents[1] / "clients"
