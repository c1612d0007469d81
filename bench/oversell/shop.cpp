#include "bench/oversell/shop.hpp"

#include <algorithm>

namespace ordersaga::bench {

namespace {

// `shown` has no CHECK: it is what a mirror of somebody else's figure looks like.
constexpr const char* kSchema = R"sql(
    CREATE TABLE stock (
        sku_id bigint PRIMARY KEY,
        available bigint NOT NULL CHECK (available >= 0),
        version bigint NOT NULL DEFAULT 0,
        shown bigint NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE grants (
        order_id bigint NOT NULL,
        sku_id bigint NOT NULL REFERENCES stock,
        quantity bigint NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, sku_id)
    );)sql";

}  // namespace

Order OrderSource::next() {
    Order order;
    order.order_id = next_order_.fetch_add(1);
    std::uniform_int_distribution<std::int64_t> any(1, demand_.skus);
    while (order.skus.size() < static_cast<std::size_t>(demand_.lines)) {
        const std::int64_t sku = any(random_);
        if (std::find(order.skus.begin(), order.skus.end(), sku) == order.skus.end()) order.skus.push_back(sku);
    }
    return order;
}

Shop::Shop(const std::string& admin_dsn) : database_(admin_dsn, "ordersaga_bench_oversell"), connection_(connect()) {
    connection_->transact([](db::Transaction& transaction) { transaction.run_script(kSchema); });
}

void Shop::restock(int skus, std::int64_t units) {
    connection_->transact([&](db::Transaction& transaction) {
        transaction.query("TRUNCATE grants, stock");
        transaction.query(
            "INSERT INTO stock (sku_id, available, shown) SELECT n, $2::bigint, $2::bigint FROM "
            "generate_series(1, $1::integer) n",
            {skus, units});
    });
    connection_->autocommit("VACUUM ANALYZE stock");
    connection_->autocommit("CHECKPOINT");
}

std::int64_t Shop::granted() {
    std::int64_t units = 0;
    connection_->transact([&](db::Transaction& transaction) {
        units = transaction.query("SELECT coalesce(sum(quantity), 0)::bigint FROM grants").int64(0, 0);
    });
    return units;
}

}  // namespace ordersaga::bench
