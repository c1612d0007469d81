// A page's cursor as clients see it: opaque, and refused by any list but its own. No secret: what a list shows does not
// depend on it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::api {

std::string seal_cursor(std::string_view list, std::string_view place);
// Throws Problem 400 for what seal_cursor did not make for this list.
std::string open_cursor(std::string_view list, std::string_view cursor);

}  // namespace ordersaga::api
