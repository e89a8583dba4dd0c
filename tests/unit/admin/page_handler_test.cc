#include <doctest/doctest.h>

#include "../../../src/admin/page_asset.h"
#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::admin;
using namespace peerpulse::admin::test;

namespace {

constexpr const char* kBrowser = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

bool says(const Answer& answer, const std::string& field) {
  return answer.head.find("\r\n" + field) != std::string::npos;
}

}  // namespace

TEST_CASE("page: to a browser / is the page, to others a list of paths") {
  Fixture f;
  const Answer page = f.request("GET", "/", "", kBrowser);
  CHECK(page.status == 200);
  CHECK(says(page, "content-type: text/html; charset=utf-8\r\n"));
  CHECK(page.body == findPageAsset("index.html")->content);
  const Answer list = f.get("/");
  CHECK(list.status == 200);
  CHECK(says(list, "content-type: text/plain; charset=utf-8\r\n"));
  CHECK(says(list, "cache-control: no-store\r\n"));
  CHECK(list.body.find("/peers/NAME/circuit") != std::string::npos);
  for (const Answer& answer : {page, list})
    CHECK(says(answer, "vary: accept\r\n"));
}

TEST_CASE("page: every file is served as it is, by its type, and reaches nothing but the admin") {
  Fixture f;
  CHECK(pageAssets().size() > 3);
  for (const PageAsset& asset : pageAssets()) {
    CAPTURE(asset.name);
    const Answer answer = f.get("/page/" + std::string(asset.name));
    CHECK(answer.status == 200);
    CHECK(answer.body == asset.content);
    CHECK(says(answer, "content-type: " + std::string(asset.contentType) + "\r\n"));
    CHECK(says(answer, "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; "));
    CHECK(says(answer, "x-content-type-options: nosniff\r\n"));
    CHECK(says(answer, "referrer-policy: no-referrer\r\n"));
    CHECK(says(answer, "cache-control: no-cache\r\n"));
    CHECK(says(answer, "etag: " + std::string(asset.etag) + "\r\n"));
  }
  CHECK(f.get("/page/nothing.js").status == 404);
  CHECK(f.get("/page/").status == 404);
  CHECK(f.get("/page/../page.js").status == 404);
}

TEST_CASE("page: who has a file is not sent it again") {
  Fixture f;
  const std::string etag(findPageAsset("page.js")->etag);
  for (const std::string& tags : {etag, "W/" + etag, "\"other\", " + etag, etag + ",\"other\"", std::string("*")}) {
    CAPTURE(tags);
    const Answer answer =
        f.request("GET", "/page/page.js", "", "if-none-match: " + tags + "\r\nconnection: close\r\n");
    CHECK(answer.status == 304);
    CHECK(answer.body.empty());
    CHECK_FALSE(says(answer, "content-length"));
    CHECK(says(answer, "etag: " + etag));
  }
  for (const std::string tags : {"\"other\"", "", "\"", "page.js"}) {
    CAPTURE(tags);
    CHECK(f.request("GET", "/page/page.js", "", "if-none-match: " + tags + "\r\n").status == 200);
  }
}

TEST_CASE("page: reading only") {
  Fixture f;
  for (const char* path : {"/", "/page/page.js"}) {
    const Answer answer = f.post(path, "{}");
    CHECK(answer.status == 405);
    CHECK(says(answer, "allow: get, head\r\n"));
  }
}
