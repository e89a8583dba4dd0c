"""What tools/bench/fanout measures: the fan-out API in a lab, one module for each line of the table."""
