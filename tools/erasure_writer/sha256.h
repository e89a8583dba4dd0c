// Sha256: a running SHA-256 (OpenSSL EVP).
//
// Threading: one call at a time, any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace peerpulse::erasure_writer {

class Sha256 {
 public:
  Sha256();
  void update(const void* bytes, size_t n);
  /// Lower-case hex. Ends the computation.
  std::string finish();

  static std::string of(std::string_view bytes);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace peerpulse::erasure_writer
