#include "certificates.h"

#include <cstdlib>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace peerpulse::test {

namespace {

constexpr long kYesterday = -24 * 3600;

// A test that cannot make what it tests with ends there.
void must(bool good) {
  if (!good) std::abort();
}

template <typename Write>
std::string pemOf(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(write(bio) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* newCertificate(EVP_PKEY* key, const char* name, long seconds) {
  static long serial = 1;
  X509* certificate = X509_new();
  must(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), kYesterday);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  // Authorities differ by name.
  const std::string common = name != nullptr ? name : "test authority " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  must(X509_set_pubkey(certificate, key) == 1);
  return certificate;
}

}  // namespace

Authority::Authority() : key_(EVP_EC_gen("P-256")), certificate_(newCertificate(key_, nullptr, 24 * 3600)) {
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  extend(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(certificate_, key_, EVP_sha256()) > 0);
}

Authority::~Authority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

std::string Authority::pem() const {
  return pemOf([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate_); });
}

Certificate Authority::issue(const std::string& names, long seconds) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  must(key != nullptr);
  X509* certificate = newCertificate(key, "test", seconds);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  extend(certificate, certificate_, NID_subject_alt_name, names);
  must(X509_sign(certificate, key_, EVP_sha256()) > 0);
  Certificate made;
  made.chain = pemOf([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  made.key =
      pemOf([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

}  // namespace peerpulse::test
