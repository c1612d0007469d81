// The body of an orders/create webhook as a store sends it: every field that Admin REST has, also the three quarters that
// nobody here reads, because they are what is hashed, parsed and stored. 6 to 10 kB with one or two lines. A pure function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::bench {

struct BodyLine {
    std::int64_t line_id = 0;
    std::int64_t variant_id = 0;
    std::string sku;
    std::int64_t quantity = 1;
};

struct BodyOrder {
    std::int64_t order_id = 0;
    std::int64_t number = 1001;
    std::string shop_domain;
    std::string created_at;  // RFC 3339
    std::vector<BodyLine> lines;
};

std::string order_body(const BodyOrder& order);

}  // namespace ordersaga::bench
