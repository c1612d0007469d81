// What GET /sagas/{id}/diagram answers: the state diagram with this saga's place in it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace ordersaga::api {

// As Mermaid, and as numbers, so that the dashboard can paint it in its own colours without any markup of ours.
nlohmann::json diagram_document(const std::string& saga_id, const std::string& state);

}  // namespace ordersaga::api
