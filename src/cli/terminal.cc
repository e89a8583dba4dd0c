#include "terminal.h"

#include <poll.h>
#include <string>
#include <unistd.h>

#include "printable.h"

namespace peerpulse::cli {

namespace {

// ECMA-48: to the upper left, the rest of each line and of the screen empty. The cursor stays as it is, so that whatever
// ends this leaves a terminal that works.
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kEraseLine = "\x1b[K\n";
constexpr std::string_view kEraseBelow = "\x1b[J";
constexpr std::string_view kEraseAll = "\x1b[2J";

}  // namespace

void Terminal::show(std::string_view text) const { out_ << printableLines(text); }

void Terminal::showJsonText(std::string_view text) const { out_ << printableJson(text); }

void Terminal::showJson(const Json& json, int indent) const {
  showJsonText(json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Terminal::complain(std::string_view text) const { err_ << "peerpulse: " << printable(text) << "\n"; }

void Terminal::clear() const { out_ << kEraseAll; }

void Terminal::showFrame(std::string_view text) const {
  std::string frame(kHome);
  for (const char c : printableLines(text)) {
    if (c == '\n') {
      frame += kEraseLine;
    } else {
      frame += c;
    }
  }
  out_ << frame << kEraseBelow;
}

bool Terminal::flush() const {
  out_.flush();
  return out_.good();
}

bool readerIsGone() {
  pollfd entry{STDOUT_FILENO, 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

}  // namespace peerpulse::cli
