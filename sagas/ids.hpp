// Identity types. Distinct types for what must never be swapped; plain text where the outside world names a thing
// (Shopify ids, warehouse order ids), because those are opaque to us and may exceed 2^53.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace ordersaga::sagas {

template <class Tag>
struct NumberId {
    std::int64_t value = 0;

    friend auto operator<=>(const NumberId&, const NumberId&) = default;
};

using MerchantId = NumberId<struct MerchantTag>;
using StoreId = NumberId<struct StoreTag>;
using WarehouseId = NumberId<struct WarehouseTag>;
using SkuId = NumberId<struct SkuTag>;
using ListingId = NumberId<struct ListingTag>;
using FlushId = NumberId<struct FlushTag>;

// A saga's UUIDv7 as lower-case text.
using SagaId = std::string;

}  // namespace ordersaga::sagas

template <class Tag>
struct std::hash<ordersaga::sagas::NumberId<Tag>> {
    std::size_t operator()(const ordersaga::sagas::NumberId<Tag>& id) const noexcept {
        return std::hash<std::int64_t>{}(id.value);
    }
};
