"""See tools/bench/alerts."""
