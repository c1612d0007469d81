// Secrets at rest: AES-256-GCM under keys that are kept outside of what is sealed. Every sealed text is bound to the
// place it belongs to, so that it cannot be opened after it was copied to another, and names the key it needs, so that
// keys can be replaced one text at a time.
//
// A key ring is a text, one key a line, ID:BASE64 of 32 bytes; empty lines and lines that begin with # are skipped. The
// first key seals, every key opens. Immutable after construction; safe from any thread. Keys are wiped from memory with
// the last copy of the ring.
#pragma once

#include "runtime/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

struct Sealed {
    std::string key_id;
    std::string bytes;  // nonce, ciphertext and tag
};

class KeyRing {
public:
    // The error names the line, never a key.
    static Result<KeyRing> parse(std::string_view text);

    // The same secret sealed twice gives different bytes. Throws std::runtime_error only if the library itself fails.
    Sealed seal(std::string_view secret, std::string_view bound_to) const;
    // Not found: the ring lacks the key. Refused: wrong key, tampered bytes, or sealed for another place.
    Result<std::string> open(const Sealed& sealed, std::string_view bound_to) const;

    // The same as one text of plain letters, KEY_ID:BASE64, for messages. Invalid: it is none.
    std::string seal_text(std::string_view secret, std::string_view bound_to) const;
    Result<std::string> open_text(std::string_view sealed, std::string_view bound_to) const;

    const std::string& sealing_key_id() const;

private:
    struct Keys;
    explicit KeyRing(std::shared_ptr<const Keys> keys) : keys_(std::move(keys)) {}
    std::shared_ptr<const Keys> keys_;
};

// A line for a key ring, with a fresh key and an id made of chance.
std::string new_key_line();

}  // namespace ordersaga::runtime
