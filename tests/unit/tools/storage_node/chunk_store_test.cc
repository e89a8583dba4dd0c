// Disk, ChunkWriter and ChunkReader on a real directory.
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "../temp_dir.h"
#include "faulty_file_ops.h"
#include "storage_node/chunk_reader.h"
#include "storage_node/chunk_writer.h"
#include "storage_node/problem.h"

using namespace peerpulse;
using namespace peerpulse::storage_node;
using test::FaultyFileOps;
using Call = FaultyFileOps::Call;
namespace fs = std::filesystem;

namespace {

struct Store {
  explicit Store(DiskOptions options = {}) {
    auto opened = Disk::open("disk1", directory.path(), options, ops);
    REQUIRE(opened);
    disk = std::move(*opened);
  }
  Result<void> put(const std::string& path, const std::string& body, bool overwrite = false) {
    ChunkWriter writer(*disk, path, overwrite);
    if (auto opened = writer.open(); !opened) return opened;
    std::string copy = body;
    iovec entry{copy.data(), copy.size()};
    if (auto written = writer.append(&entry, 1); !written) return written;
    return writer.commit();
  }
  Result<std::string> get(const std::string& path, size_t block = 7) {
    auto reader = ChunkReader::open(*disk, path);
    if (!reader) return reader.error();
    std::string body;
    do {
      std::string part(std::min<uint64_t>(block, reader->remaining()), '\0');
      if (auto got = reader->read(reinterpret_cast<uint8_t*>(part.data()), part.size()); !got) return got.error();
      body += part;
    } while (reader->remaining() > 0);
    return body;
  }
  size_t tempFiles() const { return countFiles(directory / "tmp"); }
  size_t chunks() const { return countFiles(directory / "chunks"); }
  static size_t countFiles(const std::string& root) {
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      files += entry.is_regular_file() ? 1U : 0U;
    return files;
  }

  test::TempDir directory;
  FaultyFileOps ops;
  std::unique_ptr<Disk> disk;
};

void flipByte(const std::string& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const int byte = stream.get();
  stream.seekp(at);
  stream.put(static_cast<char>(byte ^ 0x10));
  REQUIRE(stream.good());
}

}  // namespace

TEST_CASE("Chunk store: what is put is got") {
  Store store;
  for (const std::string& body : {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    REQUIRE(store.put("a/b/c", body, true));
    const auto got = store.get("a/b/c");
    REQUIRE(got);
    CHECK(*got == body);
  }
  CHECK(store.tempFiles() == 0);
}

TEST_CASE("Chunk store: an existing chunk stays unless it is to be replaced") {
  Store store;
  REQUIRE(store.put("x", "first"));
  const auto second = store.put("x", "second");
  REQUIRE_FALSE(second);
  CHECK(problemOf(second.error()).status == 409);
  CHECK(*store.get("x") == "first");
  REQUIRE(store.put("x", "third", true));
  CHECK(*store.get("x") == "third");
}

TEST_CASE("Chunk store: of two uploads at once exactly one wins") {
  Store store;
  ChunkWriter one(*store.disk, "x", false);
  ChunkWriter two(*store.disk, "x", false);
  REQUIRE(one.open());
  REQUIRE(two.open());
  REQUIRE(one.commit());
  const auto late = two.commit();
  REQUIRE_FALSE(late);
  CHECK(problemOf(late.error()).status == 409);
  two.abort();
  CHECK(store.tempFiles() == 0);
}

TEST_CASE("Chunk store: a chunk is no directory and a directory no chunk") {
  Store store;
  REQUIRE(store.put("a", "file"));
  CHECK(problemOf(store.put("a/b", "x").error()).status == 409);
  REQUIRE(store.put("d/e", "file"));
  CHECK(problemOf(store.put("d", "x").error()).status == 409);
  CHECK(problemOf(store.put("d", "x", true).error()).status == 409);
  CHECK_FALSE(store.get("d"));
  CHECK(store.tempFiles() == 0);
}

TEST_CASE("Chunk store: remove") {
  Store store;
  REQUIRE(store.put("a/x", "1"));
  CHECK(store.disk->remove("a/x"));
  CHECK(problemOf(store.disk->remove("a/x").error()).status == 404);
  CHECK(problemOf(store.disk->remove("none/x").error()).status == 404);
  CHECK(problemOf(store.get("a/x").error()).status == 404);
}

TEST_CASE("Chunk store: every flipped byte of a file is noticed before the end") {
  Store store;
  REQUIRE(store.put("x", "some payload"));
  const std::string file = store.directory / "chunks/x";
  const auto size = static_cast<std::streamoff>(fs::file_size(file));
  for (std::streamoff at = 0; at < size; ++at) {
    flipByte(file, at);
    const auto got = store.get("x", 5);
    CAPTURE(at);
    REQUIRE_FALSE(got);
    CHECK(problemOf(got.error()).status == 500);
    CHECK(got.error().message.starts_with("corrupt chunk"));
    flipByte(file, at);
  }
  CHECK(store.get("x"));
}

TEST_CASE("Chunk store: every truncated file is noticed") {
  Store store;
  REQUIRE(store.put("x", "some payload"));
  const std::string file = store.directory / "chunks/x";
  for (auto size = fs::file_size(file); size > 0;) {
    fs::resize_file(file, --size);
    CAPTURE(size);
    CHECK_FALSE(store.get("x"));
  }
}

TEST_CASE("Chunk store: symbolic links and FIFOs are no chunks") {
  Store store;
  REQUIRE(store.put("x", "1"));
  fs::create_symlink("x", store.directory / "chunks/link");
  CHECK_FALSE(store.get("link"));
  REQUIRE(::mkfifo((store.directory / "chunks/fifo").c_str(), 0600) == 0);
  CHECK(problemOf(store.get("fifo").error()).status == 404);
  fs::create_directory_symlink("/", store.directory / "chunks/root");
  CHECK_FALSE(store.put("root/tmp/peerpulse-escape", "1"));
}

TEST_CASE("Chunk store: interrupted and short writes lose nothing") {
  Store store;
  store.ops.shortWrites(3);
  ChunkWriter writer(*store.disk, "x", false);
  REQUIRE(writer.open());
  std::string one = "abcdefg";
  std::string two = "hijklmnopq";
  std::string empty;
  iovec entries[] = {{one.data(), one.size()}, {empty.data(), 0}, {two.data(), two.size()}};
  REQUIRE(writer.append(entries, 3));
  CHECK(writer.length() == 17);
  REQUIRE(writer.commit());
  CHECK(*store.get("x") == "abcdefghijklmnopq");
}

TEST_CASE("Chunk store: a failing disk leaves no chunk and no temporary file") {
  struct Fault {
    Call call;
    int nth;
    int error;
    int status;
  };
  const std::vector<Fault> faults = {
      {Call::kOpen, 1, EMFILE, 503},  {Call::kOpen, 1, ENOSPC, 507},   {Call::kWrite, 1, ENOSPC, 507},
      {Call::kWrite, 2, ENOSPC, 507}, {Call::kWrite, 1, EDQUOT, 507},  {Call::kWrite, 1, EFBIG, 507},
      {Call::kWrite, 1, EIO, 500},    {Call::kFdatasync, 1, EIO, 500}, {Call::kFdatasync, 1, ENOSPC, 507},
      {Call::kMkdir, 1, ENOSPC, 507}, {Call::kFsync, 1, EIO, 500},     {Call::kRename, 1, EIO, 500},
      {Call::kOpen, 2, EIO, 500},
  };
  for (const Fault& fault : faults) {
    CAPTURE(static_cast<int>(fault.call));
    CAPTURE(fault.nth);
    Store store;
    store.ops.failFrom(fault.call, fault.nth, fault.error);
    const auto put = store.put("dir/x", "body");
    REQUIRE_FALSE(put);
    CHECK(problemOf(put.error()).status == fault.status);
    store.ops.failFrom(Call::kNone, 0, 0);
    CHECK(store.tempFiles() == 0);
    CHECK(store.chunks() == 0);
    CHECK(store.put("dir/x", "body"));  // and the disk is usable again
  }
}

TEST_CASE("Chunk store: a failing read is not a corrupt chunk") {
  Store store;
  REQUIRE(store.put("x", "body"));
  store.ops.failFrom(Call::kRead, 2, EIO);
  const auto got = store.get("x");
  REQUIRE_FALSE(got);
  CHECK(got.error().code == EIO);
}

TEST_CASE("Chunk store: syncing can be switched off, and is on otherwise") {
  Store synced;
  const int before = synced.ops.syncs;
  REQUIRE(synced.put("x", "1"));
  CHECK(synced.ops.syncs == before + 2);  // the data, the directory
  Store unsynced(DiskOptions{false, 0});
  REQUIRE(unsynced.put("x", "1"));
  CHECK(unsynced.ops.syncs == 0);
}

TEST_CASE("Chunk store: the reserve is kept free") {
  Store store(DiskOptions{true, UINT64_MAX});
  const auto put = store.put("x", "1");
  REQUIRE_FALSE(put);
  CHECK(problemOf(put.error()).status == 507);
}

TEST_CASE("Disk: uploads that never finished are removed at start") {
  test::TempDir directory;
  FileOps ops;
  fs::create_directory(directory / "tmp");
  std::ofstream(directory / "tmp/7") << "half";
  REQUIRE(Disk::open("d", directory.path(), {}, ops));
  CHECK(fs::is_empty(directory / "tmp"));
}

TEST_CASE("Disk: a directory is one process's, and must exist") {
  test::TempDir directory;
  FileOps ops;
  const auto first = Disk::open("d", directory.path(), {}, ops);
  REQUIRE(first);
  CHECK_FALSE(Disk::open("d", directory.path(), {}, ops));
  CHECK_FALSE(Disk::open("d", directory / "missing", {}, ops));
}
