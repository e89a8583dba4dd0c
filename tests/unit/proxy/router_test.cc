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
  const Router router(routes);
  RequestHead head;
  head.method = "PUT";
  head.path = "/rpc/put_file?x=1";
  CHECK(router.route(router.match(head)).name == "put_shard");
  head.headers.add("Content-Type", "Application/gRPC+proto");
  CHECK(router.route(router.match(head)).name == "grpc");
  RequestHead get;
  get.method = "GET";
  get.path = "/rpc/put";
  CHECK(router.route(router.match(get)).name == "default");
}
