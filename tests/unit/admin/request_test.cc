#include "../../../src/admin/request.h"

#include <utility>

#include <doctest/doctest.h>

using namespace peerpulse;
using admin::Request;

namespace {
Request of(const std::string& method, const std::string& target) {
  http::RequestHead head;
  head.method = method;
  head.path = target;
  return Request(std::move(head));
}
}  // namespace

TEST_CASE("request: path and query are told apart, and left as they are") {
  CHECK(of("GET", "/events").path == "/events");
  CHECK(of("GET", "/events").query.empty());
  const Request request = of("GET", "/a%3Fb?c=d?e&f");
  CHECK(request.path == "/a%3Fb");
  CHECK(request.query == "c=d?e&f");
}

TEST_CASE("request: a parameter is a whole part of the query") {
  CHECK(of("GET", "/events?history=1").hasParameter("history=1"));
  CHECK(of("GET", "/events?a=b&history=1").hasParameter("history=1"));
  CHECK(of("GET", "/events?history=1&a=b").hasParameter("history=1"));
  CHECK_FALSE(of("GET", "/events?history=10").hasParameter("history=1"));
  CHECK_FALSE(of("GET", "/events?xhistory=1").hasParameter("history=1"));
  CHECK_FALSE(of("GET", "/events").hasParameter("history=1"));
}

TEST_CASE("request: GET and HEAD read") {
  CHECK(of("GET", "/").isRead());
  CHECK(of("HEAD", "/").isRead());
  CHECK_FALSE(of("POST", "/").isRead());
  CHECK_FALSE(of("get", "/").isRead());  // methods are case-sensitive (RFC 9110 9.1)
}
