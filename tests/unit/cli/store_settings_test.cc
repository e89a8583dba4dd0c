// Goal: where a store's environment is set already is found, by file and line, and what is not the store's is not.
#include "store_settings.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

namespace fs = std::filesystem;

std::string text(const std::vector<StoreSetting>& settings) {
  std::string all;
  for (const StoreSetting& setting : settings)
    all += (all.empty() ? "" : ", ") + setting.variable + " " + setting.file + ":" + std::to_string(setting.line);
  return all;
}

TEST_CASE("store settings: an environment file") {
  CHECK(text(settingsIn("/etc/default/minio",
                        "# NO_PROXY=a\n\nMINIO_OPTS=\"--console-address :9001\"\r\n  export NO_PROXY=b\n"
                        "no assignment\n=c\n")) == "MINIO_OPTS /etc/default/minio:3, NO_PROXY /etc/default/minio:4");
}

TEST_CASE("store settings: a unit") {
  CHECK(
      text(settingsIn("minio.service",
                      "[Service]\nEnvironment=\"NO_PROXY=a, b\" 'X=NO_PROXY=c' no_proxy=d\nExecStart=/bin/minio A=b\n"
                      "; Environment=Y=1\nEnvironmentFile=-/etc/default/minio\nEnvironment=\n")) ==
      "NO_PROXY minio.service:2, X minio.service:2, no_proxy minio.service:2");
}

TEST_CASE("store settings: of files that speak of the store") {
  std::string root = (fs::temp_directory_path() / "peerpulse-settings-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const auto write = [&](const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << content;
  };
  write("/etc/default/minio", "MINIO_OPTS=x\nMINIO_VOLUMES=y\n");
  write("/etc/default/docker", "NO_PROXY=z\n");
  write("/etc/systemd/system/store.service", "[Service]\nExecStart=/usr/bin/MinIO server\nEnvironment=NO_PROXY=a\n");
  write("/etc/systemd/system/minio.service.d/proxy.conf", "[Service]\nEnvironment=no_proxy=a\n");
  write("/etc/systemd/system/minio.service.d/README", "NO_PROXY=a\n");
  write("/etc/systemd/system/docker.service.d/proxy.conf", "[Service]\nEnvironment=NO_PROXY=a\n");
  CHECK(text(findStoreSettings(HostFiles(root), "minio", {"MINIO_OPTS", "NO_PROXY", "no_proxy"})) ==
        "MINIO_OPTS /etc/default/minio:1, no_proxy /etc/systemd/system/minio.service.d/proxy.conf:2, "
        "NO_PROXY /etc/systemd/system/store.service:3");
  CHECK(findStoreSettings(HostFiles(root + "/none"), "minio", {"MINIO_OPTS"}).empty());
  fs::remove_all(root);
}

}  // namespace
}  // namespace peerpulse::cli
