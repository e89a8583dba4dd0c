// Goal: a line is written whole or counted as lost, also where a reader stops reading in the middle of one.
#include "../../../src/log/fd_sink.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace peerpulse;
using log::FdSink;

namespace {

constexpr int kPipeSize = 4096;

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, kPipeSize) == kPipeSize);
    REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  }
  /// All that is there now.
  std::string read() const {
    std::string all;
    char part[kPipeSize];
    for (ssize_t n = 0; (n = ::read(reader.get(), part, sizeof part)) > 0;)
      all.append(part, static_cast<size_t>(n));
    return all;
  }
  Fd reader;
  Fd writer;
};

void write(FdSink& sink, const std::string& text) {
  sink.log(spdlog::details::log_msg("", spdlog::level::info, text));
}

}  // namespace

TEST_CASE("fd_sink: each message is a line") {
  Pipe pipe;
  FdSink sink(std::move(pipe.writer));
  write(sink, "one");
  CHECK(pipe.read() == "one\n");
  write(sink, "two");
  CHECK(pipe.read() == "two\n");
  CHECK(sink.lost() == 0);
}

TEST_CASE("fd_sink: after a line that was cut off, the next one is whole again") {
  Pipe pipe;
  FdSink sink(std::move(pipe.writer));
  sink.giveUpSoon();
  const TimePoint start = Clock::now();
  write(sink, std::string(kPipeSize + 1000, 'x'));
  CHECK(sink.lost() == 1);
  CHECK(Clock::now() - start >= FdSink::kPatience);
  CHECK(pipe.read() == std::string(kPipeSize, 'x'));
  write(sink, "next");
  CHECK(pipe.read() == "\nnext\n");
  CHECK(sink.lost() == 1);
}

TEST_CASE("fd_sink: the patience is for all lines together") {
  Pipe pipe;
  FdSink sink(std::move(pipe.writer));
  sink.giveUpSoon();
  write(sink, std::string(kPipeSize + 1000, 'x'));
  const TimePoint start = Clock::now();
  for (int i = 0; i < 100; ++i)
    write(sink, "y");
  CHECK(sink.lost() == 101);
  CHECK(Clock::now() - start < FdSink::kPatience);
}

TEST_CASE("fd_sink: from the next message on lines go to the descriptor that replaces the old one") {
  Pipe before, after, last;
  {
    FdSink sink(std::move(before.writer));
    write(sink, "one");
    sink.replace(std::move(after.writer));
    write(sink, "two");
    CHECK(before.read() == "one\n");
    CHECK(after.read() == "two\n");
    write(sink, "three");
    CHECK(after.read() == "three\n");
    sink.replace(std::move(last.writer));  // nobody logs any more: it is closed all the same
  }
  char byte;
  CHECK(::read(last.reader.get(), &byte, 1) == 0);
}

TEST_CASE("fd_sink: a line torn on the old descriptor does not mark the new one") {
  Pipe before, after;
  FdSink sink(std::move(before.writer));
  sink.giveUpSoon();
  write(sink, std::string(3 * kPipeSize, 'x'));
  CHECK(sink.lost() == 1);
  sink.replace(std::move(after.writer));
  write(sink, "whole");
  CHECK(after.read() == "whole\n");
}
