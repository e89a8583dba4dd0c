// failfast: see --help. Prints one line of JSON.

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "fail_fast.h"

namespace {

double quantileMicros(const std::vector<int64_t>& sorted, double quantile) {
  const auto index = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[index]) / 1000.0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string target;
  std::string path = "/";
  uint64_t requests = 10'000;
  int status = 503;
  CLI::App app("Measures the time to the answer of GET requests on one keepalive HTTP/1.1 connection.", "failfast");
  app.add_option("target", target, "IP:PORT or unix:/path")->required();
  app.add_option("--path", path)->capture_default_str();
  app.add_option("--requests", requests)->check(CLI::Range(1, 10'000'000))->capture_default_str();
  app.add_option("--status", status, "Expected status; others are counted")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto address = peerpulse::SocketAddress::parse(target);
  if (!address) {
    std::fprintf(stderr, "failfast: %s\n", address.error().message.c_str());
    return 2;
  }
  const auto report = peerpulse::bench::FailFast(*address, path, status).run(requests);
  if (!report) {
    std::fprintf(stderr, "failfast: %s\n", report.error().message.c_str());
    return 1;
  }
  const nlohmann::ordered_json line = {{"requests", requests},
                                       {"other_status", report->otherStatus},
                                       {"reconnects", report->reconnects},
                                       {"p50_us", quantileMicros(report->nanos, 0.5)},
                                       {"p99_us", quantileMicros(report->nanos, 0.99)},
                                       {"p999_us", quantileMicros(report->nanos, 0.999)},
                                       {"max_us", quantileMicros(report->nanos, 1.0)}};
  std::printf("%s\n", line.dump().c_str());
  return 0;
}
