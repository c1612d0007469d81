// An order as GraphQL tells it, turned into the one neutral document.
//
// Purpose: polls and webhooks must agree to the letter, so the GraphQL shape is first turned into the shape of a webhook
// body and then read by the same reader.
// Pure functions; safe from any thread.
#pragma once

#include "sagas/order_document.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace ordersaga::activities::shopify {

// Throws std::invalid_argument with a reason an operator can read.
[[nodiscard]] sagas::OrderDocument order_of_node(const nlohmann::json& node);

// Its stamp (sagas::stamp_of); empty when it cannot be read.
[[nodiscard]] std::string stamp_of_node(const nlohmann::json& node);

// True when a nested list of this order was cut at its page size: read it alone, with larger lists.
[[nodiscard]] bool is_cut(const nlohmann::json& node, int refunds_asked_for);

}  // namespace ordersaga::activities::shopify
