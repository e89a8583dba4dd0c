// Goal: files that are no certificates, or do not fit together, are named, with what is wrong.
#include "tls_fixture.h"

using namespace peerpulse;
using namespace peerpulse::net;
using namespace peerpulse::net::test;

namespace {

std::string errorOf(const Result<TlsContextRef>& made) { return made ? "" : made.error().message; }

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("tls context: what can be read is taken") {
  const Files files;
  CHECK(errorOf(TlsContext::client(files.client())).empty());
  CHECK(errorOf(TlsContext::client({})).empty());  // the system's authorities
  const auto server = TlsContext::server(files.server());
  REQUIRE(server);
  REQUIRE((*server)->notAfter().has_value());
  const auto left = *(*server)->notAfter() - std::chrono::system_clock::now();
  CHECK(left > std::chrono::minutes(50));
  CHECK(left < std::chrono::minutes(61));
}

TEST_CASE("tls context: key and chain may be two files") {
  const Files files;
  const Certificate made = files.authority.issue("DNS:node2");
  TlsServerOptions options;
  options.certificateFile = files.directory.put("chain.pem", made.chain);
  options.keyFile = files.directory.put("key.pem", made.key);
  CHECK(errorOf(TlsContext::server(options)).empty());
}

TEST_CASE("tls context: each error names its file and what is wrong with it") {
  const Files files;
  const Certificate made = files.authority.issue("DNS:node2");
  const Certificate other = files.authority.issue("DNS:node2");
  const std::string chain = files.directory.put("chain.pem", made.chain);
  const std::string text = files.directory.put("text", "no PEM");
  TlsServerOptions options;
  SUBCASE("no such file") {
    options.certificateFile = "/nowhere/x.pem";
    const std::string error = errorOf(TlsContext::server(options));
    CHECK(says(error, "/nowhere/x.pem: no certificate"));
    CHECK(says(error, "No such file"));
  }
  SUBCASE("no certificate in it") {
    options.certificateFile = text;
    CHECK(says(errorOf(TlsContext::server(options)), text + ": no certificate"));
  }
  SUBCASE("no key in it") {
    options.certificateFile = chain;
    CHECK(says(errorOf(TlsContext::server(options)), chain + ": no private key"));
  }
  SUBCASE("another one's key") {
    options.certificateFile = chain;
    options.keyFile = files.directory.put("key.pem", other.key);
    CHECK(says(errorOf(TlsContext::server(options)), options.keyFile + ": this private key is not that of"));
  }
  SUBCASE("a key behind a pass phrase asks nobody") {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    BIO* bio = BIO_new_file(files.directory.file("locked.pem").c_str(), "w");
    REQUIRE(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("secret"), 6,
                                     nullptr, nullptr) == 1);
    BIO_free(bio);
    EVP_PKEY_free(key);
    options.certificateFile = chain;
    options.keyFile = files.directory.file("locked.pem");
    CHECK(says(errorOf(TlsContext::server(options)), "locked.pem: no private key (PEM, without a pass phrase)"));
  }
  SUBCASE("authorities") {
    TlsClientOptions client;
    client.caFile = text;
    CHECK(says(errorOf(TlsContext::client(client)), text + ": no trusted certificates"));
    options = files.server();
    options.clientCertificate = ClientCertificate::kRequired;
    options.clientCaFile = text;
    CHECK(says(errorOf(TlsContext::server(options)), text + ": no authorities of clients"));
  }
  SUBCASE("of a name") {
    options = files.server();
    options.sniCertificates = {text};
    CHECK(says(errorOf(TlsContext::server(options)), text + ": no certificate"));
  }
}

TEST_CASE("tls context: a name has its certificate; the default one needs no looking for") {
  const Files files;
  TlsServerOptions options = files.server("DNS:node2");
  const Certificate other = files.authority.issue("DNS:node3,DNS:node4", 60);
  options.sniCertificates = {files.directory.put("node3.pem", other.chain + other.key)};
  const auto made = TlsContext::server(options);
  REQUIRE(made);
  const TlsContext& context = **made;
  CHECK(context.forName("node2") == nullptr);
  CHECK(context.forName("unknown") == nullptr);
  CHECK(context.forName("node3") != nullptr);
  CHECK(context.forName("node4") == context.forName("node3"));
  CHECK(*context.notAfter() - std::chrono::system_clock::now() < std::chrono::seconds(61));  // the first to expire
}
