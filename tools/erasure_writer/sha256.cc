#include "sha256.h"

#include <array>
#include <new>

#include <openssl/evp.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::erasure_writer {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  PP_ASSERT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(const void* bytes, size_t n) { PP_ASSERT(EVP_DigestUpdate(context_.get(), bytes, n) == 1); }

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  PP_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back(kHex[digest[i] >> 4]);
    text.push_back(kHex[digest[i] & 15]);
  }
  return text;
}

std::string Sha256::of(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  return sha.finish();
}

}  // namespace peerpulse::erasure_writer
