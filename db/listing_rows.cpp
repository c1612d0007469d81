#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <tuple>

namespace ordersaga::db {

using orders::LevelHint;
using orders::ListingComponent;
using orders::ListingMove;
using orders::ListingRow;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;

namespace {

constexpr const char* kColumns =
    "merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, location_id, believed, target, "
    "in_flight, learned, wants_read, read_open, parked, composition";

// Found by an array of keys, never by a join: a table of which nothing is known yet would be joined whole.
constexpr const char* kFind = R"sql( FROM listings
     WHERE merchant_id = $1::bigint
       AND listing_id = ANY (ARRAY(
            SELECT listing_id FROM listings
             WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND variant_id = ANY ($3::text[])
            UNION
            SELECT listing.listing_id FROM skus JOIN listings listing USING (merchant_id, sku_id)
             WHERE skus.merchant_id = $1::bigint AND skus.sku = ANY ($4::text[]) AND listing.store_id = $2::bigint))
     ORDER BY listing_id)sql";

constexpr const char* kLock = R"sql( FROM listings
     WHERE merchant_id = $1::bigint
       AND listing_id = ANY (ARRAY(
            SELECT listing_id FROM listing_components WHERE merchant_id = $1::bigint AND sku_id = ANY ($2::bigint[])
            UNION
            SELECT unnest($3::bigint[])
            UNION
            SELECT scarce.listing_id
              FROM unnest($4::bigint[]) AS flushing (store_id),
                   LATERAL (SELECT listing_id FROM listings
                             WHERE merchant_id = $1::bigint AND store_id = flushing.store_id AND owes_flush
                             ORDER BY target, listing_id
                             LIMIT $5::bigint) scarce))
     ORDER BY listing_id)sql";

// A hint counts once it has stood long enough for our own flush or a webhook to explain it. Webhooks come late, and one that
// has just been heard tells of long ago: its successors must have had the time to come as well.
constexpr const char* kClaimToRead = R"sql(
  FROM unnest($2::bigint[], $3::bigint[]) AS turn (store, behind),
       LATERAL (SELECT * FROM listings
                 WHERE merchant_id = $1::bigint AND store_id = turn.store AND NOT read_open AND in_flight = 0
                   AND (wants_read
                        OR EXISTS (SELECT FROM level_hints hint
                                    WHERE hint.merchant_id = listings.merchant_id
                                      AND hint.listing_id = listings.listing_id AND hint.available IS NOT NULL
                                      AND hint.available IS DISTINCT FROM listings.believed
                                      AND hint.heard_at < $4::timestamptz))
                   AND listing_id > turn.behind
                 ORDER BY listing_id
                 LIMIT $5::bigint
                   FOR NO KEY UPDATE SKIP LOCKED) listing
 ORDER BY listing_id)sql";

// Written under the lock of the listing, so the clock tells in which sequence its moves were learned: when their transactions
// began does not.
constexpr const char* kInsertMoves = R"sql(
    INSERT INTO listing_moves (merchant_id, listing_id, kind, source_id, quantity, at)
    SELECT merchant_id, listing_id, kind, source_id, quantity, clock_timestamp()
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY
        AS new (merchant_id, listing_id, kind, source_id, quantity, place)
     ORDER BY merchant_id, listing_id, kind, source_id, place
        ON CONFLICT DO NOTHING
 RETURNING merchant_id, listing_id, kind, source_id)sql";

constexpr const char* kAddMoves = R"sql(
    INSERT INTO listing_moves (merchant_id, listing_id, kind, source_id, quantity, at)
    SELECT merchant_id, listing_id, kind, source_id, quantity, clock_timestamp()
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
        AS new (merchant_id, listing_id, kind, source_id, quantity))sql";

constexpr const char* kWrite = R"sql(
    UPDATE listings listing
       SET believed = new.believed, target = new.target, in_flight = new.in_flight, learned = new.learned,
           wants_read = new.wants_read, read_open = new.read_open, parked = new.parked,
           composition = new.composition::bigint[]
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[],
                  $8::boolean[], $9::text[], $10::text[])
        AS new (merchant_id, listing_id, believed, target, in_flight, learned, wants_read, read_open, parked, composition)
     WHERE listing.merchant_id = new.merchant_id AND listing.listing_id = new.listing_id)sql";

// Written in the sequence of the listings, so that two who write them never wait for each other. A listing is found by its
// key for each level: a table of which nothing is known yet would be joined whole.
constexpr const char* kKeepHints = R"sql(
    INSERT INTO level_hints AS known (merchant_id, listing_id, available, told_at, heard_at)
    SELECT DISTINCT ON (told.merchant_id, listing.listing_id)
           told.merchant_id, listing.listing_id, told.available, told.told_at, told.heard_at
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
           WITH ORDINALITY
        AS told (merchant_id, store_id, inventory_item_id, location_id, available, told_at, heard_at, place),
           LATERAL (SELECT listing_id FROM listings
                     WHERE listings.merchant_id = told.merchant_id AND listings.store_id = told.store_id
                       AND listings.inventory_item_id = told.inventory_item_id
                       AND listings.location_id = told.location_id
                    OFFSET 0) listing
     ORDER BY told.merchant_id, listing.listing_id, told.told_at DESC, told.place DESC
        ON CONFLICT (merchant_id, listing_id) DO UPDATE
       SET available = excluded.available, told_at = excluded.told_at, heard_at = excluded.heard_at
     WHERE known.told_at <= excluded.told_at)sql";

constexpr const char* kDropHints = R"sql(
    DELETE FROM level_hints
     WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM level_hints
             WHERE merchant_id = $1::bigint AND listing_id = ANY ($2::bigint[])
             ORDER BY listing_id
               FOR UPDATE)))sql";

// Locked in the sequence in which everybody locks listings.
constexpr const char* kDoubt = R"sql(
    WITH trusted AS (
        SELECT merchant_id, listing_id FROM listings
         WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND NOT wants_read
         ORDER BY listing_id
           FOR NO KEY UPDATE)
    UPDATE listings listing
       SET wants_read = true
      FROM trusted
     WHERE listing.merchant_id = trusted.merchant_id AND listing.listing_id = trusted.listing_id)sql";

constexpr const char* kUnpark = R"sql(
    UPDATE listings SET parked = '', wants_read = true
     WHERE merchant_id = $1::bigint AND listing_id = $2::bigint AND parked <> '')sql";

std::string select(const char* rest) {
    return std::string("SELECT ") + kColumns + rest;
}

// Four numbers for each (migration 22): {1,1,17,16}
std::vector<ListingComponent> read_components(std::string_view text) {
    std::vector<ListingComponent> components;
    std::array<std::int64_t, 4> numbers{};
    std::size_t place = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end && *at != '}') {
        ++at;  // { or ,
        const auto [rest, fault] = std::from_chars(at, end, numbers.at(place));
        if (fault != std::errc{}) break;
        at = rest;
        if (++place < numbers.size()) continue;
        components.push_back({SkuId{numbers[0]}, numbers[1], numbers[2], numbers[3]});
        place = 0;
    }
    if (text != "{}" && (at == end || *at != '}' || place != 0))
        throw engine::BadItem("what a listing is made of cannot be read");
    return components;
}

std::vector<std::int64_t> numbers_of(const ListingRow& listing) {
    std::vector<std::int64_t> numbers;
    numbers.reserve(4 * listing.components.size());
    for (const ListingComponent& component : listing.components) {
        numbers.insert(
            numbers.end(),
            {component.sku_id.value, component.quantity, component.composed_version, component.confirmed_version});
    }
    return numbers;
}

ListingRow read_listing(RowReader& row) {
    ListingRow listing;
    listing.merchant = row.id<MerchantId>();
    listing.listing_id = row.id<ListingId>();
    listing.store_id = row.id<StoreId>();
    listing.sku_id = row.id<SkuId>();
    listing.variant_id = row.text();
    listing.inventory_item_id = row.text();
    listing.location_id = row.text();
    listing.believed = row.optional_int64();
    listing.target = row.int64();
    listing.in_flight = row.int64();
    listing.learned = row.int64();
    listing.wants_read = row.boolean();
    listing.read_open = row.boolean();
    listing.parked = row.text();
    listing.components = read_components(row.text());
    return listing;
}

bool by_listing(const ListingRow& left, const ListingRow& right) {
    return left.listing_id < right.listing_id;
}

bool same_listing(const ListingRow& left, const ListingRow& right) {
    return left.listing_id == right.listing_id;
}

std::vector<Parameter> columns_of(const std::vector<ListingMove>& moves) {
    return list_of(
        column(moves, &ListingMove::merchant), column(moves, &ListingMove::listing_id),
        column(moves, &ListingMove::kind), column(moves, &ListingMove::source_id),
        column(moves, &ListingMove::quantity));
}

}  // namespace

std::vector<ListingRow> PgTransaction::find_listings(
    MerchantId merchant,
    StoreId store,
    const std::vector<std::string>& variant_ids,
    const std::vector<std::string>& skus) {
    auto& known = catalogue_of(merchant);
    auto& listed = known.listings[store];
    std::vector<std::string> missing;
    for (const std::string& variant : variant_ids) {
        if (listed.count(variant) == 0) missing.push_back(variant);
    }
    std::vector<ListingRow> found;
    if (!missing.empty() || !skus.empty()) {
        found = read_all(sql_.query(select(kFind), {merchant, store, missing, skus}), read_listing);
        for (const std::string& variant : missing)
            known.names += listed.try_emplace(variant).second;
        for (const ListingRow& row : found) {
            if (const auto asked = listed.find(row.variant_id); asked != listed.end()) asked->second = row;
        }
    }
    for (const std::string& variant : variant_ids) {
        const std::optional<ListingRow>& row = listed.at(variant);
        if (row) found.push_back(*row);
    }
    std::sort(found.begin(), found.end(), by_listing);
    found.erase(std::unique(found.begin(), found.end(), same_listing), found.end());
    return found;
}

std::vector<ListingRow> PgTransaction::lock_listings(
    MerchantId merchant,
    const std::vector<SkuId>& skus,
    const std::vector<ListingId>& ids,
    const std::vector<StoreId>& flushing,
    std::size_t limit,
    engine::Turn turn) {
    const std::string lock = select(kLock) + lock_for(turn);
    return read_all(sql_.query(lock, {merchant, skus, ids, flushing, limit}), read_listing);
}

std::vector<ListingRow> PgTransaction::claim_listings_to_read(
    MerchantId merchant,
    const std::vector<std::pair<StoreId, ListingId>>& stores,
    Instant hinted_before,
    std::size_t limit) {
    using Turn = std::pair<StoreId, ListingId>;
    return read_all(
        sql_.query(
            select(kClaimToRead),
            {merchant, column(stores, &Turn::first), column(stores, &Turn::second), hinted_before, limit}),
        read_listing);
}

void PgTransaction::add_listing_moves(const std::vector<ListingMove>& moves) {
    sql_.execute_later(kAddMoves, columns_of(moves));
}

std::vector<bool> PgTransaction::insert_listing_moves(const std::vector<ListingMove>& moves) {
    if (moves.empty()) {
        return {};
    }
    const db::Rows inserted = sql_.query(kInsertMoves, columns_of(moves));
    using Key = std::tuple<std::int64_t, std::int64_t, std::string, std::string>;
    std::map<Key, std::size_t> first_of;
    for (std::size_t index = 0; index < moves.size(); ++index) {
        const ListingMove& move = moves[index];
        first_of.emplace(Key{move.merchant.value, move.listing_id.value, move.kind, move.source_id}, index);
    }
    std::vector<bool> is_new(moves.size(), false);
    for (std::size_t row = 0; row < inserted.size(); ++row) {
        const Key key{inserted.int64(row, 0), inserted.int64(row, 1), inserted.text(row, 2), inserted.text(row, 3)};
        is_new[first_of.at(key)] = true;
    }
    return is_new;
}

void PgTransaction::write_listings(const std::vector<ListingRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kWrite,
        list_of(
            column(rows, &ListingRow::merchant), column(rows, &ListingRow::listing_id),
            column(rows, &ListingRow::believed), column(rows, &ListingRow::target),
            column(rows, &ListingRow::in_flight), column(rows, &ListingRow::learned),
            column(rows, &ListingRow::wants_read), column(rows, &ListingRow::read_open),
            column(rows, &ListingRow::parked), column(rows, numbers_of)),
        known_of(rows.size(), "updating listings"));
}

void PgTransaction::doubt_listings(MerchantId merchant, StoreId store) {
    sql_.execute(kDoubt, {merchant, store});
}

bool PgTransaction::unpark_listing(MerchantId merchant, ListingId listing) {
    return sql_.execute(kUnpark, {merchant, listing}) == 1;
}

void PgTransaction::keep_hints(const std::vector<LevelHint>& hints) {
    sql_.execute_later(
        kKeepHints, list_of(
                        column(hints, &LevelHint::merchant), column(hints, &LevelHint::store_id),
                        column(hints, &LevelHint::inventory_item_id), column(hints, &LevelHint::location_id),
                        column(hints, &LevelHint::available), column(hints, &LevelHint::told_at),
                        column(hints, &LevelHint::heard_at)));
}

void PgTransaction::drop_hints(MerchantId merchant, const std::vector<ListingId>& listings) {
    sql_.execute_later(kDropHints, list_of(merchant, listings));
}

}  // namespace ordersaga::db
