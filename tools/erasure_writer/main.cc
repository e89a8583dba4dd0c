// erasure_writer: see --help.

#include "erasure_writer/options.h"
#include "erasure_writer/program.h"

int main(int argc, char** argv) {
  int exitCode = 0;
  auto options = peerpulse::erasure_writer::parseCommandLine(argc, argv, exitCode);
  if (!options) return exitCode;
  return peerpulse::erasure_writer::Program(std::move(*options)).run();
}
