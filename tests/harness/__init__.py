"""What the integration and lab tests share: peerpulse, real peers, real clients, scripted ends."""
