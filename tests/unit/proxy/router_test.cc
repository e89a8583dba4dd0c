// Goal: the first matching route counts, empty fields match everything.
#include "router.h"

#include <doctest/doctest.h>

using namespace peerpulse::proxy;
using peerpulse::http::RequestHead;
using peerpulse::upstream::TrafficClass;

TEST_CASE("router: first match by method, path and content-type") {
  const std::vector<Route> routes = {
      {"grpc", "", "", "application/grpc", TrafficClass::kControl},
      {"put_shard", "PUT", "/rpc/put", "", TrafficClass::kBulk},
      {"default", "", "", "", TrafficClass::kStream},
  };
  RequestHead head;
  head.method = "PUT";
  head.path = "/rpc/put_file?x=1";
  CHECK(routes[matchRoute(routes, head)].name == "put_shard");
  head.headers.add("Content-Type", "Application/gRPC+proto");
  CHECK(routes[matchRoute(routes, head)].name == "grpc");
  RequestHead get;
  get.method = "GET";
  get.path = "/rpc/put";
  CHECK(routes[matchRoute(routes, get)].name == "default");
}
