"""What TLS costs in peerpulse, HAProxy and nginx."""
