#include "problem.h"

#include <cerrno>

#include <nlohmann/json.hpp>

namespace peerpulse::storage_node {

namespace {

const char* titleOf(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return status < 500 ? "Request Failed" : "Internal Server Error";
  }
}

int statusOf(int code) {
  switch (code) {
    case ENOENT: return 404;
    case EEXIST:
    case ENOTDIR:
    case EISDIR:
    case ELOOP: return 409;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return 507;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return 503;
    default: return 500;
  }
}

}  // namespace

std::string Problem::toJson() const {
  const nlohmann::json body = {
      {"type", "about:blank"}, {"title", titleOf(status)}, {"status", status}, {"detail", detail}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Problem problemOf(const Error& error) { return Problem{statusOf(error.code), error.message}; }

}  // namespace peerpulse::storage_node
