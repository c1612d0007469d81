#pragma once

// Several envelopes in one message: one a line, each as encode() wrote it. A message with one envelope is that envelope,
// as it always was. Each line is decoded alone, so a bad one spoils no other. Values; pure functions; any thread.

#include "broker/envelope.hpp"
#include "runtime/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::broker {

inline constexpr std::size_t envelope_list_limit = 64;
/// What a writer puts into one message beyond its first envelope; half of what a reader takes.
inline constexpr std::size_t envelope_list_bytes = envelope_size_limit / 2;

/// True when one more body may be added to a message that has `bodies` of `bytes` in all.
bool has_room(std::size_t bodies, std::size_t bytes, std::size_t next_bytes);

/// The body of one message. The bodies must not be empty and must have had room.
std::string join_envelopes(const std::vector<std::string_view>& bodies);

/// Its lines, not decoded; one where it is a single envelope. They point into `body`. Error (invalid): more than
/// envelope_list_limit.
runtime::Result<std::vector<std::string_view>> split_envelopes(std::string_view body);

}  // namespace ordersaga::broker
