// Hashes, signatures and base64. Pure functions, any thread. Digests are raw bytes unless the name says hex.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

// 32 raw bytes. Throws std::runtime_error only if the library itself fails.
std::string hmac_sha256(std::string_view key, std::string_view message);
std::string sha256(std::string_view bytes);

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

// First eight bytes of the SHA-256, big endian: a stable, platform-independent hash for sharding.
std::uint64_t stable_hash(std::string_view bytes);

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

// Standard alphabet with padding.
std::string base64_encode(std::string_view bytes);
// Strict: standard alphabet, complete padding, zero spare bits, no white space. Anything else is nullopt.
std::optional<std::string> base64_decode(std::string_view text);

// Time depends on the lengths only. Different lengths are unequal.
bool constant_time_equal(std::string_view left, std::string_view right) noexcept;

}  // namespace ordersaga::runtime
