// Text made smaller for the time that it is kept (Zstandard, level 1). Safe from any thread.
#pragma once

#include "runtime/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

// Throws std::runtime_error only if the library itself fails.
std::string compressed(std::string_view text);

// Invalid: it is nothing that compressed() made, or would be longer than `limit` bytes.
Result<std::string> decompressed(std::string_view bytes, std::size_t limit);

}  // namespace ordersaga::runtime
