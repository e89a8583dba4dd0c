// doctest itself, compiled once for all test programs: it takes seconds, and there are two dozen of them.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
