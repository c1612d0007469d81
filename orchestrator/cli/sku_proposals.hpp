// From what a store shows or a warehouse keeps to rows of skus.csv and listings.csv, and to the list of what a person has to
// decide. Proposes, never overrules: what is listed or numbered already stays as it is. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::cli {

struct Variant {
    std::string variant_id, inventory_item_id;  // decimal text
    std::string sku, title;
    bool tracked = true;  // the store counts its stock
    bool stocked = true;  // at the location that we steer
    bool shipped = true;  // it is a thing that is sent
    bool archived = false;
};

// Of the database and of the files together.
struct KnownGoods {
    std::set<std::string> skus;
    std::map<std::string, std::string> sku_of_variant;  // of this store's listings
};

struct ToDecide {
    std::string sku, id, title;  // id: of the variant, or of the warehouse's item
    std::string reason;
};

struct StoreProposals {
    std::vector<Variant> listings;  // not listed yet, and nothing speaks against it
    std::vector<ToDecide> decisions;
    std::size_t in_place = 0;
    std::size_t passed_over = 0;  // archived, or never sent
};

StoreProposals propose_listings(const std::vector<Variant>& variants, const KnownGoods& known);

// ---------------------------------------------------------------------------------------------------------------------

struct WarehouseItem {
    std::string sku, name;
    std::string item_id;  // that orders name it by; empty: it has several, or none
};

struct WarehouseProposals {
    std::map<std::string, std::string> numbers;  // SKU → warehouse_item_id, where there was none
    std::vector<ToDecide> decisions;
    std::size_t in_place = 0;
    std::size_t not_ours = 0;  // items of SKUs that we do not know
};

// `known`: our SKUs that are no bundles, with the numbers they have.
WarehouseProposals propose_numbers(
    const std::vector<WarehouseItem>& items,
    const std::map<std::string, std::string>& known);

}  // namespace ordersaga::cli
