// What a figure was measured on, as the machine and the live servers tell it themselves. Blocking; safe to repeat.
#pragma once

#include "db/connection.hpp"

#include <string>

namespace ordersaga::bench {

std::string processor();     // its model
std::string load_average();  // as /proc/loadavg has it

// As PostgreSQL has it now: "on", "256MB". Throws db::DatabaseError.
std::string setting_of(db::Connection& connection, const std::string& name);

}  // namespace ordersaga::bench
