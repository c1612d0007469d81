#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using orders::FoundFulfillment;
using sagas::MerchantId;

namespace {

constexpr const char* kWrite = R"sql(
    INSERT INTO found_fulfillments (merchant_id, reference, order_key, view)
    SELECT DISTINCT ON (merchant_id, reference) merchant_id, reference, order_key, view
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[]) WITH ORDINALITY
        AS new (merchant_id, reference, order_key, view, place)
     ORDER BY merchant_id, reference, place DESC
        ON CONFLICT (merchant_id, reference) DO UPDATE SET view = excluded.view)sql";

constexpr const char* kTake = R"sql(
    WITH taken AS (
        DELETE FROM found_fulfillments WHERE merchant_id = $1::bigint AND order_key = ANY ($2::text[])
     RETURNING merchant_id, reference, order_key, view)
    SELECT * FROM taken ORDER BY reference)sql";

}  // namespace

void PgTransaction::write_found(const std::vector<FoundFulfillment>& found) {
    if (found.empty()) {
        return;
    }
    sql_.execute(
        kWrite, {column(found, &FoundFulfillment::merchant), column(found, &FoundFulfillment::reference),
                 column(found, &FoundFulfillment::order_key),
                 column(found, [](const FoundFulfillment& row) { return runtime::dump_json(row.view); })});
}

std::vector<FoundFulfillment> PgTransaction::take_found(
    MerchantId merchant,
    const std::vector<std::string>& order_keys) {
    if (order_keys.empty()) {
        return {};
    }
    return read_all(sql_.query(kTake, {merchant, order_keys}), [](RowReader& row) {
        FoundFulfillment found;
        found.merchant = row.id<MerchantId>();
        found.reference = row.text();
        found.order_key = row.text();
        found.view = row.json();
        return found;
    });
}

}  // namespace ordersaga::db
