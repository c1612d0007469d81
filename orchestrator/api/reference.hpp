// The part of docs/api.md that is written from the OpenAPI document. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::api {

// The page with its reference written anew. Throws std::runtime_error when it lacks the two lines between which it stands.
std::string with_reference(std::string_view page);

}  // namespace ordersaga::api
