"""peerpulse with real sockets, clients and peers on this machine's loopback."""
