// The fuzzers, each a function of one input. A broken rule ends the process (check.h).
#pragma once

#include <string>

#include "input.h"

namespace peerpulse::fuzz {

// What a codec's fuzzer makes of an input for the codec, before it is cut.

std::string wireOfH1(Input input);
std::string wireOfH2Server(Input input);
std::string wireOfH2Client(Input input);

/// Bytes of a client to the HTTP/1.1 server codec.
void fuzzH1Request(Input input);
/// Bytes of a peer to the HTTP/1.1 client codec.
void fuzzH1Response(Input input);
/// Frames of a client, of a peer.
void fuzzH2Server(Input input);
void fuzzH2Client(Input input);
/// The text of a configuration file.
void fuzzConfig(Input input);
/// Whole exchanges: a client, a worker's carrying half, a peer, all in memory and on virtual time.
void fuzzProxy(Input input);
/// TLS records to either side, whole or spoilt.
void fuzzTls(Input input);

}  // namespace peerpulse::fuzz
