#include "db/notices.hpp"

#include "db/parameters.hpp"

namespace ordersaga::db {

namespace {

// Sorted, so that two notifiers that were given the same events do not lock each other out.
constexpr const char* kAdd = R"sql(
    INSERT INTO notices (merchant_id, target, event_id, topic, body)
    SELECT merchant_id, target, event_id, topic, body
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
        AS new (merchant_id, target, event_id, topic, body)
     ORDER BY merchant_id, target, event_id
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kTake = R"sql(
    WITH due AS (
        SELECT merchant_id, target, event_id
          FROM notices
         WHERE merchant_id = $1::bigint AND target = $2 AND delivered_at IS NULL AND given_up_at IS NULL AND due_at <= now()
         ORDER BY due_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED)
    UPDATE notices SET tries = tries + 1, due_at = now() + $3::bigint * interval '1 second'
      FROM due
     WHERE notices.merchant_id = due.merchant_id AND notices.target = due.target AND notices.event_id = due.event_id
    RETURNING notices.event_id, topic, body::text, tries, extract(epoch FROM now() - created_at)::bigint, now())sql";

constexpr const char* kDelivered = R"sql(
    UPDATE notices SET delivered_at = now(), last_error = ''
     WHERE merchant_id = $1::bigint AND target = $2 AND event_id = $3 AND num_nonnulls(delivered_at, given_up_at) = 0)sql";

constexpr const char* kTryAgain = R"sql(
    UPDATE notices SET due_at = now() + $4::bigint * interval '1 millisecond', last_error = $5
     WHERE merchant_id = $1::bigint AND target = $2 AND event_id = $3 AND num_nonnulls(delivered_at, given_up_at) = 0)sql";

constexpr const char* kGiveUp = R"sql(
    UPDATE notices SET given_up_at = now(), last_error = $4
     WHERE merchant_id = $1::bigint AND target = $2 AND event_id = $3 AND num_nonnulls(delivered_at, given_up_at) = 0)sql";

constexpr const char* kGivenUp = R"sql(
    SELECT merchant_id, target, event_id, topic, tries, given_up_at, last_error
      FROM notices WHERE given_up_at IS NOT NULL ORDER BY given_up_at LIMIT $1::bigint)sql";

constexpr const char* kSendAgain = R"sql(
    UPDATE notices SET given_up_at = NULL, created_at = now(), due_at = now(), tries = 0
     WHERE target = $1 AND given_up_at IS NOT NULL)sql";

constexpr const char* kForget = R"sql(
    DELETE FROM notices
     WHERE (merchant_id, target, event_id) IN (
        SELECT merchant_id, target, event_id FROM notices
         WHERE created_at < now() - $1::bigint * interval '1 second' LIMIT 10000))sql";

}  // namespace

std::int64_t Notices::add(const std::vector<NewNotice>& notices) {
    std::int64_t added = 0;
    session_.transact([&](Transaction& transaction) {
        added = transaction.execute(
            kAdd, {column(notices, &NewNotice::merchant), column(notices, &NewNotice::target),
                   column(notices, &NewNotice::event_id), column(notices, &NewNotice::topic),
                   column(notices, &NewNotice::body)});
    });
    return added;
}

// A repeat after a lost connection could take a second one, which would then wait for its lease for nothing.
std::optional<DueNotice> Notices::take(std::int64_t merchant, const std::string& target, std::chrono::seconds lease) {
    std::optional<DueNotice> due;
    session_.transact_once([&](Transaction& transaction) {
        const Rows rows = transaction.query(kTake, {merchant, target, lease.count()});
        if (rows.empty()) return;
        due = DueNotice{{merchant, target, rows.text(0, 0)},    rows.text(0, 1),   rows.text(0, 2), rows.int32(0, 3),
                        std::chrono::seconds(rows.int64(0, 4)), rows.instant(0, 5)};
    });
    return due;
}

void Notices::delivered(const NoticeKey& key) {
    session_.transact([&](Transaction& transaction) {
        transaction.execute(kDelivered, {key.merchant, key.target, key.event_id});
    });
}

void Notices::try_again(const NoticeKey& key, std::chrono::milliseconds pause, const std::string& error) {
    session_.transact([&](Transaction& transaction) {
        transaction.execute(kTryAgain, {key.merchant, key.target, key.event_id, pause.count(), error});
    });
}

void Notices::give_up(const NoticeKey& key, const std::string& error) {
    session_.transact([&](Transaction& transaction) {
        transaction.execute(kGiveUp, {key.merchant, key.target, key.event_id, error});
    });
}

std::vector<GivenUpNotice> Notices::given_up(std::int64_t limit) {
    std::vector<GivenUpNotice> found;
    session_.transact([&](Transaction& transaction) {
        found.clear();
        const Rows rows = transaction.query(kGivenUp, {limit});
        for (std::size_t row = 0; row < rows.size(); ++row) {
            found.push_back(
                {{rows.int64(row, 0), rows.text(row, 1), rows.text(row, 2)},
                 rows.text(row, 3),
                 rows.int32(row, 4),
                 rows.instant(row, 5),
                 rows.text(row, 6)});
        }
    });
    return found;
}

std::int64_t Notices::send_again(const std::string& target) {
    std::int64_t count = 0;
    session_.transact([&](Transaction& transaction) { count = transaction.execute(kSendAgain, {target}); });
    return count;
}

std::int64_t Notices::forget(std::chrono::seconds keep) {
    std::int64_t count = 0;
    session_.transact([&](Transaction& transaction) { count = transaction.execute(kForget, {keep.count()}); });
    return count;
}

}  // namespace ordersaga::db
