#include "db/members.hpp"

namespace ordersaga::db {
namespace {

constexpr const char* kBeat = R"sql(
    INSERT INTO members (member_id, beat_at) VALUES ($1, clock_timestamp())
        ON CONFLICT (merchant_id, member_id) DO UPDATE SET beat_at = excluded.beat_at)sql";

constexpr const char* kForget = "DELETE FROM members WHERE beat_at < clock_timestamp() - interval '1 hour'";

constexpr const char* kAlive = R"sql(
    SELECT member_id FROM members
     WHERE beat_at > clock_timestamp() - $1::bigint * interval '1 millisecond'
     ORDER BY member_id)sql";

constexpr const char* kLeave = "DELETE FROM members WHERE member_id = $1";

}  // namespace

Members::Members(ConnectionSettings settings, std::string member_id)
    : session_(std::move(settings)), member_id_(std::move(member_id)) {}

std::vector<std::string> Members::beat(std::chrono::milliseconds ttl) {
    std::vector<std::string> alive;
    session_.transact([&](Transaction& transaction) {
        alive.clear();
        transaction.execute(kBeat, {member_id_});
        transaction.execute(kForget);
        Rows rows = transaction.query(kAlive, {static_cast<std::int64_t>(ttl.count())});
        for (std::size_t row = 0; row < rows.size(); ++row)
            alive.push_back(rows.text(row, 0));
    });
    return alive;
}

void Members::leave() {
    session_.transact([&](Transaction& transaction) { transaction.execute(kLeave, {member_id_}); });
}

}  // namespace ordersaga::db
