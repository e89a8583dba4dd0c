// What the commands that ask a running peerpulse have in common.
//
// Threading: the main thread.
#pragma once

#include <string>

#include "admin_client.h"
#include "peerpulse/base/result.h"
#include "terminal.h"

namespace peerpulse::cli {

/// Exit statuses, for scripts.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFound = 1;     ///< something is wrong, and was said
inline constexpr int kExitUsage = 2;     ///< a wrong command line, or the admin refused what was asked
inline constexpr int kExitLost = 3;      ///< the quorum is lost, or this host is cut off
inline constexpr int kExitNoAnswer = 4;  ///< no admin answers

/// Says what went wrong; returns the exit status for it.
inline int failed(const Terminal& terminal, const Error& error) {
  terminal.complain(error.message);
  return error.code != 0 ? kExitNoAnswer : kExitUsage;
}

struct EventsQuery {
  bool follow = false;
  std::string since;  ///< a duration before now, or an RFC 3339 time; empty: all that are kept
};

struct OverrideOrder {
  std::string peer;
  std::string state;
  std::string ttl;
  std::string why;
  std::string tokenFile;  ///< that of admin.token_file: for the admin of another host
};

struct DoctorOrder {
  int storePid = 0;  ///< 0: whoever is connected to our listeners
  bool all = false;  ///< show what is well, too
};

struct TopOrder {
  std::string interval = "1s";
  int count = 0;  ///< frames; 0: on a terminal until it is ended, elsewhere one
};

int statusCommand(const AdminClient& admin, const Terminal& terminal);
int peersCommand(const AdminClient& admin, const std::string& name, const Terminal& terminal);
int eventsCommand(const AdminClient& admin, const EventsQuery& query, const Terminal& terminal);
int diagnoseCommand(const AdminClient& admin, const std::string& peer, const std::string& configFile,
                    const Terminal& terminal);
int doctorCommand(const AdminClient& admin, const DoctorOrder& order, const std::string& configFile,
                  const Terminal& terminal);
int topCommand(const AdminClient& admin, const TopOrder& order, const Terminal& terminal);
int overrideCommand(const AdminClient& admin, const OverrideOrder& order, const Terminal& terminal);

}  // namespace peerpulse::cli
