// libFuzzer's entry: --fuzzer=NAME says which of the fuzzers this process is. (libFuzzer leaves options with two dashes
// alone, and hands them on to the processes that it starts.)
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <doctest/doctest.h>

#include "fuzzers.h"

namespace peerpulse::fuzz {
namespace {

struct Fuzzer {
  std::string_view name;
  void (*run)(Input input);
};

constexpr Fuzzer kFuzzers[] = {
    {"config", fuzzConfig},
    {"h1_request", fuzzH1Request},
    {"h1_response", fuzzH1Response},
    {"h2_client", fuzzH2Client},
    {"h2_server", fuzzH2Server},
    {"proxy", fuzzProxy},
    {"tls", fuzzTls},
};

const Fuzzer* chosen = nullptr;

/// What the tests' own helpers assert (support/, erratic.h) is a finding, too.
void onAssertion(const doctest::AssertData& data) {
  std::fprintf(stderr, "%s:%d: %s\n", data.m_file, data.m_line, data.m_expr);
  std::abort();
}

}  // namespace
}  // namespace peerpulse::fuzz

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  using namespace peerpulse::fuzz;
  constexpr std::string_view kOption = "--fuzzer=";
  for (int i = 1; i < *count; ++i) {
    const std::string_view argument((*arguments)[i]);
    if (argument.substr(0, kOption.size()) != kOption) continue;
    for (const Fuzzer& fuzzer : kFuzzers)
      if (fuzzer.name == argument.substr(kOption.size())) chosen = &fuzzer;
  }
  if (chosen == nullptr) {
    std::fputs("--fuzzer=NAME is missing, or names none of:", stderr);
    for (const Fuzzer& fuzzer : kFuzzers)
      std::fprintf(stderr, " %s", fuzzer.name.data());
    std::fputs("\n", stderr);
    std::exit(2);
  }
  static doctest::Context context;
  context.setAssertHandler(onAssertion);
  context.setAsDefaultForAssertsOutOfTestCases();
  std::signal(SIGPIPE, SIG_IGN);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  peerpulse::fuzz::chosen->run(peerpulse::fuzz::Input(data, size));
  return 0;
}
