"""Behind tools/fuzz: the fuzzers of tests/fuzz, run and summed up."""
