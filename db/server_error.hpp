// What the server said went wrong, as one of our own errors (errors.hpp).
#pragma once

#include <string>

namespace ordersaga::db {

// The session ends with it: shutdown, crash, terminated, database dropped, idle too long.
bool ends_session(const std::string& sqlstate);

// Throws Broken, Retryable, BadData or Misuse. `full` is the server's own text.
[[noreturn]] void throw_by_sqlstate(const std::string& sqlstate, const std::string& full, bool link_is_up);

// What may be logged and shown of the server's text.
std::string safe_message(const std::string& sqlstate, const std::string& full);

}  // namespace ordersaga::db
