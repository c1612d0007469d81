// What a merchant sells, as the engine's connection has read it: SKUs and listings without their figures, kept from batch
// to batch while the version of the merchant's catalogue (catalogue_versions) is the same. One thread.
#pragma once

#include "orchestrator/orders/rows.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace ordersaga::db {

class Catalogue {
public:
    struct OfMerchant {
        std::int64_t version = 0;
        std::map<sagas::SkuId, orders::SkuRow> skus;
        // By variant; absent: the store lists no such variant.
        std::map<sagas::StoreId, std::unordered_map<std::string, std::optional<orders::ListingRow>>> listings;
        std::size_t names = 0;  // in `skus` and `listings`
    };

    // What is known of this version, which the transaction has just asked for; what was known of another one is dropped.
    OfMerchant& of(sagas::MerchantId merchant, std::int64_t version);
    // Another database may be behind the connection, in which the same version stands for something else.
    void forget() { merchants_.clear(); }

private:
    std::map<sagas::MerchantId, OfMerchant> merchants_;
};

}  // namespace ordersaga::db
