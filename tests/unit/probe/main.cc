#include <cstring>

#include <doctest/doctest.h>

#include "peer_process.h"

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--peer") == 0) return peerpulse::probe::runPeer(argv[2], 100, 101);
  return doctest::Context(argc, argv).run();
}
