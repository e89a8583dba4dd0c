// An authority that makes certificates as a test wants them.
#pragma once

#include <string>

struct evp_pkey_st;
struct x509_st;

namespace peerpulse::test {

/// PEM.
struct Certificate {
  std::string chain;
  std::string key;
};

class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string pem() const;
  /// `names` as OpenSSL has them: "DNS:node2,IP:127.0.0.1". Valid from yesterday until `seconds` from now.
  Certificate issue(const std::string& names, long seconds = 3600) const;

 private:
  evp_pkey_st* key_;
  x509_st* certificate_;
};

}  // namespace peerpulse::test
