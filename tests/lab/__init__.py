"""peerpulse in a network whose nodes lose power."""
