// The entry of doctest programs that run in a network namespace of their own.
#include <doctest/doctest.h>

#include "own_network.h"

int main(int argc, char** argv) {
  // Before there is a second thread.
  peerpulse::enterOwnNetwork();
  return doctest::Context(argc, argv).run();
}
