#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using orders::PersonalRow;
using orders::PrivacyRequest;

namespace {

// Joined to its key, so that nothing is ever kept under one that was thrown away meanwhile.
constexpr const char* kWritePersonal = R"sql(
    INSERT INTO personal_data (merchant_id, store_id, order_id, saga_id, data_key_id, sealed)
    SELECT new.merchant_id, new.store_id, new.order_id, new.saga_id, new.data_key_id, new.sealed
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::bytea[])
        AS new (merchant_id, store_id, order_id, saga_id, data_key_id, sealed)
      JOIN store_keys USING (merchant_id, store_id, data_key_id)
     ORDER BY new.merchant_id, new.store_id, new.order_id)sql";

constexpr const char* kAsk = R"sql(
    INSERT INTO privacy_requests (merchant_id, store_id, kind, reference, orders)
    VALUES ($1::bigint, $2::bigint, $3, $4, $5::text[]))sql";

}  // namespace

void PgTransaction::write_personal(const std::vector<PersonalRow>& people) {
    if (people.empty()) {
        return;
    }
    std::vector<runtime::Sealed> sealed;
    sealed.reserve(people.size());
    for (const PersonalRow& row : people) {
        const runtime::KeyRing key = keys_.key_of(sql_, row.order.merchant, row.order.store_id);
        sealed.push_back(
            key.seal(runtime::dump_json(row.recipient), place_of_person(row.order.merchant.value, row.saga_id)));
    }
    const std::int64_t written = sql_.execute(
        kWritePersonal,
        {column(people, [](const PersonalRow& row) { return row.order.merchant; }),
         column(people, [](const PersonalRow& row) { return row.order.store_id; }),
         column(people, [](const PersonalRow& row) -> const std::string& { return row.order.order_id; }),
         column(people, &PersonalRow::saga_id), column(sealed, &runtime::Sealed::key_id),
         column(sealed, [](const runtime::Sealed& one) { return Bytes{one.bytes}; })});
    if (written != static_cast<std::int64_t>(people.size())) {
        keys_.forget();
        throw engine::StoreUnavailable("the key of a store was thrown away meanwhile");
    }
}

void PgTransaction::ask_privacy(const std::vector<PrivacyRequest>& requests) {
    for (const PrivacyRequest& request : requests) {
        sql_.execute(kAsk, {request.merchant, request.store_id, request.kind, request.reference, request.orders});
    }
}

}  // namespace ordersaga::db
