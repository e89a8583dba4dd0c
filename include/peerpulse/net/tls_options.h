// Options of TLS on either side of a connection (design section 5). Filled by config/; immutable afterwards. Files are PEM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peerpulse::net {

/// The lowest version that is spoken.
enum class TlsVersion : uint8_t { kTls12, kTls13 };

/// What is asked of a server's certificate.
enum class TlsVerify : uint8_t {
  kFull,   ///< a chain to a trusted authority, and the server's name (RFC 6125) or address
  kChain,  ///< the chain alone
  kNone,   ///< nothing: whoever is on the path may be the server
};

/// Towards a peer.
struct TlsClientOptions {
  bool enabled = false;
  std::string caFile;           ///< trusted authorities; empty: the system's
  std::string certificateFile;  ///< ours, with its chain; empty: none is shown
  std::string keyFile;          ///< of it; empty: in the same file
  std::string serverName;       ///< what the peer's certificate must name, and SNI; empty: the host of its address
  TlsVerify verify = TlsVerify::kFull;
  TlsVersion minVersion = TlsVersion::kTls12;
  bool ktls = false;  ///< the kernel encrypts what is sent, where it can

  bool operator==(const TlsClientOptions&) const = default;
};

/// Whether a client must show a certificate of `clientCaFile`.
enum class ClientCertificate : uint8_t { kNone, kOptional, kRequired };

/// Towards local clients.
struct TlsServerOptions {
  std::string certificateFile;  ///< with its chain; empty: the listener speaks plain text
  std::string keyFile;          ///< of it; empty: in the same file
  std::vector<std::string>
      sniCertificates;       ///< chain and key in one file each, for clients that name one of its names
  std::string clientCaFile;  ///< authorities of clients' certificates
  ClientCertificate clientCertificate = ClientCertificate::kNone;
  TlsVersion minVersion = TlsVersion::kTls12;
  bool ktls = false;  ///< the kernel encrypts what is sent, where it can

  static constexpr size_t kMaxSniCertificates = 64;

  bool enabled() const { return !certificateFile.empty(); }
  bool operator==(const TlsServerOptions&) const = default;
};

}  // namespace peerpulse::net
