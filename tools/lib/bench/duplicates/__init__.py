"""tools/bench/duplicates: whether a request that must not arrive twice ever does."""
