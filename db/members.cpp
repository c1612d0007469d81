#include "db/members.hpp"

namespace ordersaga::db {
namespace {

// One statement: it is the one that is sent when nothing else is. The entry is made only when there was none, and one of
// our own that is as old as those that are forgotten has just been renewed.
constexpr const char* kBeat = R"sql(
    WITH renewed AS (
        UPDATE members SET beat_at = clock_timestamp() WHERE member_id = $1 RETURNING member_id
    ), joined AS (
        INSERT INTO members (member_id, beat_at) SELECT $1, clock_timestamp() WHERE NOT EXISTS (SELECT FROM renewed)
            ON CONFLICT (merchant_id, member_id) DO UPDATE SET beat_at = excluded.beat_at
    ), forgotten AS (
        DELETE FROM members WHERE beat_at < clock_timestamp() - interval '1 hour' AND member_id <> $1
    )
    SELECT member_id FROM members
     WHERE member_id <> $1 AND beat_at > clock_timestamp() - $2::bigint * interval '1 millisecond'
     UNION ALL SELECT $1
     ORDER BY member_id)sql";

constexpr const char* kLeave = "DELETE FROM members WHERE member_id = $1";

}  // namespace

Members::Members(ConnectionSettings settings, std::string member_id)
    : session_(std::move(settings)), member_id_(std::move(member_id)) {}

std::vector<std::string> Members::beat(std::chrono::milliseconds ttl) {
    std::vector<std::string> alive;
    session_.transact([&](Transaction& transaction) {
        alive.clear();
        Rows rows = transaction.query(kBeat, {member_id_, static_cast<std::int64_t>(ttl.count())});
        for (std::size_t row = 0; row < rows.size(); ++row)
            alive.push_back(rows.text(row, 0));
    });
    return alive;
}

void Members::leave() {
    session_.transact([&](Transaction& transaction) { transaction.execute(kLeave, {member_id_}); });
}

}  // namespace ordersaga::db
