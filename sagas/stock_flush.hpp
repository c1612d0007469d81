// The bytes of one flush: a store's stock adjustment with many rows. Composed once and stored with its key before the first
// send, so that every repeat is the same to the byte. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::sagas {

struct FlushLine {
    std::string inventory_item_id;  // decimal text
    std::string location_id;
    std::int64_t delta = 0;
};

// Body of POST /admin/api/{version}/graphql.json: inventoryAdjustQuantities on `available` with @idempotent(key:) and
// changeFromQuantity null on every row, as API version 2026-04 and later want it. At most 250 lines, no pair twice.
std::string flush_body(const std::string& key, const std::string& reference, const std::vector<FlushLine>& lines);

inline constexpr std::size_t flush_lines_limit = 250;

}  // namespace ordersaga::sagas
