#include "db/retention.hpp"

#include "db/history.hpp"
#include "runtime/crash_point.hpp"

namespace ordersaga::db {

namespace {

// Each: $1 hours to keep, $2 most rows. Rows that are kept although they are old are few, so looking past them is cheap.

constexpr const char* drop_receipts = R"sql(
    DELETE FROM webhook_receipts receipt USING (
        SELECT merchant_id, source, store_id, topic, webhook_id
          FROM webhook_receipts old
         WHERE received_at < now() - $1::bigint * interval '1 hour' AND status <> 'parked'
           AND NOT EXISTS (SELECT FROM sagas saga
                            WHERE saga.merchant_id = old.merchant_id AND saga.saga_id = old.saga_id AND NOT saga.final)
         ORDER BY received_at
         LIMIT $2::bigint) passed
     WHERE (receipt.merchant_id, receipt.source, receipt.store_id, receipt.topic, receipt.webhook_id)
         = (passed.merchant_id, passed.source, passed.store_id, passed.topic, passed.webhook_id))sql";

// Their ids begin with the time they were made at (UUIDv7): the index on them serves instead of one by age, which every
// closing of a command would have to keep up.
constexpr const char* drop_commands = R"sql(
    DELETE FROM commands command USING (
        SELECT command_id
          FROM commands old,
               lpad(to_hex((extract(epoch FROM now() - $1::bigint * interval '1 hour') * 1000)::bigint), 12, '0') AS moment
         WHERE command_id < (moment || '00000000000000000000')::uuid
           AND state = 'closed' AND closed_at < now() - $1::bigint * interval '1 hour'
           AND NOT EXISTS (SELECT FROM sagas saga
                            WHERE saga.merchant_id = old.merchant_id AND saga.saga_id = old.saga_id AND NOT saga.final)
         ORDER BY command_id
         LIMIT $2::bigint) passed
     WHERE command.command_id = passed.command_id AND command.state = 'closed')sql";

// Their numbers are instants, too: microseconds times a thousand (orders/channels.cpp).
constexpr const char* drop_flushes = R"sql(
    DELETE FROM flushes flush USING (
        SELECT old.merchant_id, old.flush_id
          FROM merchants
         CROSS JOIN LATERAL (
                SELECT merchant_id, flush_id FROM flushes
                 WHERE flushes.merchant_id = merchants.merchant_id
                   AND flush_id < extract(epoch FROM now() - $1::bigint * interval '1 hour')::bigint * 1000000000
                   AND closed_at < now() - $1::bigint * interval '1 hour'
                 ORDER BY flush_id
                 LIMIT $2::bigint) old
         LIMIT $2::bigint) passed
     WHERE (flush.merchant_id, flush.flush_id) = (passed.merchant_id, passed.flush_id))sql";

constexpr const char* drop_parked = R"sql(
    DELETE FROM parked_items item USING (
        SELECT merchant_id, item_id FROM parked_items
         WHERE resolved_at < now() - $1::bigint * interval '1 hour'
         LIMIT $2::bigint) passed
     WHERE (item.merchant_id, item.item_id) = (passed.merchant_id, passed.item_id))sql";

constexpr const char* drop_addresses = R"sql(
    DELETE FROM personal_data person USING (
        SELECT old.merchant_id, old.saga_id
          FROM personal_data old JOIN sagas saga USING (merchant_id, saga_id)
         WHERE saga.final AND saga.updated_at < now() - $1::bigint * interval '1 hour'
         LIMIT $2::bigint) passed
     WHERE (person.merchant_id, person.saga_id) = (passed.merchant_id, passed.saga_id))sql";

}  // namespace

Dropped drop_old(Session& session, const Retention& retention, const std::function<bool()>& go_on, std::int64_t step) {
    const auto all_of = [&](const char* statement) {
        std::int64_t total = 0;
        std::int64_t changed = step;
        while (changed > 0 && go_on()) {
            session.transact([&](Transaction& transaction) {
                changed = transaction.execute(statement, {std::int64_t{retention.keep.count()}, step});
            });
            total += changed;
            if (changed > 0) runtime::crash_point("retention.some_dropped");
        }
        return total;
    };
    Dropped dropped;
    dropped.receipts = all_of(drop_receipts);
    dropped.commands = all_of(drop_commands);
    dropped.flushes = all_of(drop_flushes);
    dropped.parked = all_of(drop_parked);
    dropped.addresses = all_of(drop_addresses);
    runtime::crash_point("retention.before_months");
    if (retention.history_months > 0) dropped.history_months = forget_history(session, retention.history_months);
    return dropped;
}

}  // namespace ordersaga::db
