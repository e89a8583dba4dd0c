// libFuzzer's entry: --fuzzer=NAME says which of the fuzzers this process is. (libFuzzer leaves options with two dashes
// alone, and hands them on to the processes that it starts.)
//
// With --wire FILE... behind that it runs none of them: of each file, an input of a codec's fuzzer, it prints the bytes that the codec
// would get, a line of hexadecimal digits each.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "fuzzers.h"

namespace peerpulse::fuzz {
namespace {

struct Fuzzer {
  std::string_view name;
  void (*run)(Input input);
  std::string (*wire)(Input input) = nullptr;  ///< of a codec's
};

constexpr Fuzzer kFuzzers[] = {
    {"config", fuzzConfig},
    {"h1_request", fuzzH1Request, wireOfH1},
    {"h1_response", fuzzH1Response, wireOfH1},
    {"h2_client", fuzzH2Client, wireOfH2Client},
    {"h2_server", fuzzH2Server, wireOfH2Server},
    {"proxy", fuzzProxy},
    {"tls", fuzzTls},
};

const Fuzzer* chosen = nullptr;

/// What the tests' own helpers assert (support/, erratic.h) is a finding, too.
void onAssertion(const doctest::AssertData& data) {
  std::fprintf(stderr, "%s:%d: %s\n", data.m_file, data.m_line, data.m_expr);
  std::abort();
}

/// Exit status 2: there is no such wire, or no such file.
int printWire(const Fuzzer& fuzzer, const char* const* files, int count) {
  if (fuzzer.wire == nullptr) {
    std::fprintf(stderr, "--wire: %s is not the fuzzer of a codec\n", fuzzer.name.data());
    return 2;
  }
  for (int i = 0; i < count; ++i) {
    std::ifstream file(files[i], std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
      std::fprintf(stderr, "--wire: cannot read %s\n", files[i]);
      return 2;
    }
    for (const char c : fuzzer.wire(Input(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())))
      std::printf("%02x", static_cast<uint8_t>(c));
    std::putchar('\n');
  }
  return 0;
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
  for (int i = 1; i < *count; ++i)
    if (std::string_view((*arguments)[i]) == "--wire")
      std::exit(printWire(*chosen, *arguments + i + 1, *count - i - 1));
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
