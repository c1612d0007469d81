#include "db/catalogue.hpp"

namespace ordersaga::db {
namespace {

// Of one merchant. Anybody may order a variant that there is not.
constexpr std::size_t most_names = 100'000;

}  // namespace

Catalogue::OfMerchant& Catalogue::of(sagas::MerchantId merchant, std::int64_t version) {
    OfMerchant& known = merchants_[merchant];
    if (known.version != version || known.names > most_names) known = {};
    known.version = version;
    return known;
}

}  // namespace ordersaga::db
