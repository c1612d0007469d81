#include "bench/limits/bare_database.hpp"

#include "bench/surroundings.hpp"

#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace ordersaga::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kParts = 50;

// The engine's own tables without what a step does not need: no foreign keys, no CHECKs, no second index.
constexpr const char* kSchema = R"sql(
    CREATE TABLE sagas (
        merchant_id bigint NOT NULL,
        saga_id uuid NOT NULL,
        state text NOT NULL,
        version bigint NOT NULL,
        data jsonb NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_id, saga_id)
    ) WITH (fillfactor = 50);
    CREATE TABLE saga_history (
        merchant_id bigint NOT NULL,
        saga_id uuid NOT NULL,
        version bigint NOT NULL,
        at timestamptz NOT NULL,
        from_state text NOT NULL,
        to_state text NOT NULL,
        event text NOT NULL,
        cause text NOT NULL,
        details jsonb NOT NULL,
        PRIMARY KEY (merchant_id, saga_id, version, at)
    );
    CREATE TABLE outbox (
        message_id bigint PRIMARY KEY,
        saga_id uuid NOT NULL,
        body jsonb NOT NULL
    );)sql";

constexpr const char* kInsertSagas = R"sql(
    INSERT INTO sagas SELECT 1, saga_id, 'Received', 0, data, now()
      FROM unnest($1::uuid[], $2::jsonb[]) AS new (saga_id, data))sql";

constexpr const char* kUpdateSagas = R"sql(
    UPDATE sagas saga
       SET state = new.state, version = new.version, data = new.data, updated_at = now()
      FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::jsonb[])
        AS new (saga_id, from_version, state, version, data)
     WHERE saga.merchant_id = 1 AND saga.saga_id = new.saga_id AND saga.version = new.from_version)sql";

constexpr const char* kInsertHistory = R"sql(
    INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event, cause, details)
    SELECT 1, saga_id, version, now(), from_state, to_state, event, cause, details
      FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
        AS new (saga_id, version, from_state, to_state, event, cause, details))sql";

constexpr const char* kInsertOutbox = R"sql(
    INSERT INTO outbox (message_id, saga_id, body) SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::jsonb[]))sql";

constexpr const char* kDeleteOutbox = "DELETE FROM outbox WHERE message_id = ANY($1::bigint[])";

// As long as the data of an order of two lines that the warehouse has, and its members.
constexpr const char* kData =
    R"json({"added":[],"asked_about":"","cancel_by":"","cancel_reason":"","cause":"","channel_wait_ms":10000,)json"
    R"json("deliver_by":null,"edit":null,"final_state":"Compensated","fulfillments":[{"generation":1,"part":1,)json"
    R"json("perhaps_exists":false,"reference":"eu.5100000000180.1.1","request_key":"5b0e7c1a-93d4-4f6b-8e2f-1a7c5d3b9e60",)json"
    R"json("seen_cancelled":false,"shipments":[{"carrier":"bpost","delivered":false,"lines":[["5100000000181",1],)json"
    R"json(["5100000000182",1]],"shipment_id":"88120034","store_fulfillment":"","tracking_number":"323212345600099017",)json"
    R"json("tracking_url":"https://track.example.com/323212345600099017"}],"state":"accepted",)json"
    R"json("warehouse_order_id":"150000004"}],"hold_expiry_ms":259200000,"hold_until":null,"holds":[],)json"
    R"json("lines":[{"line_id":"5100000000181","of_part":1,"parts":[{"item":"9001","per_unit":1,"shipped":1,"sku":"SHIRT-1",)json"
    R"json("sku_id":1}],"sku":"SHIRT-1","told_shipped":0,"wanted":1},{"line_id":"5100000000182","of_part":1,)json"
    R"json("parts":[{"item":"9002","per_unit":1,"shipped":1,"sku":"SHIRT-2","sku_id":2}],"sku":"SHIRT-2",)json"
    R"json("told_shipped":0,"wanted":1}],"name":"#1042","observed":false,"order_id":"5100000000180",)json"
    R"json("order_policy":"hold_and_tell","paid":true,"resume":"","settle_store_order":false,"ship_line":"Standard",)json"
    R"json("ship_method":"Ground","stop_wanted":false,"store":"eu","store_id":11,"unclear":"","unserved":[],)json"
    R"json("wait_until":null,"warehouse":"main","warehouse_id":3,"wish":{}})json";

constexpr const char* kDetails =
    R"json({"commands":[{"activity":"RequestFulfillment","key":"fulfil.1.1"}],"effects":[{"name":"UseReference",)json"
    R"json("payload":{"reference":"eu.5100000000180.1.1"}},{"name":"Commit","payload":{"lines":[{"line_id":"5100000000181",)json"
    R"json("quantity":1,"sku_id":1},{"line_id":"5100000000182","quantity":1,"sku_id":2}],"warehouse_id":3}}]})json";

constexpr const char* kMessage =
    R"json({"lines":[{"line_id":"5100000000181","quantity":1,"sku":"SHIRT-1","warehouse_item_id":"9001"},)json"
    R"json({"line_id":"5100000000182","quantity":1,"sku":"SHIRT-2","warehouse_item_id":"9002"}],"order_number":"#1042",)json"
    R"json("reference":"eu.5100000000180.1.1","request_key":"5b0e7c1a-93d4-4f6b-8e2f-1a7c5d3b9e60",)json"
    R"json("ship_method":"Ground","tags":[{"name":"store","value":"eu"}],"warehouse":"main","call_deadline_ms":10000})json";

// In the sequence of their making, as the engine's own are.
std::string saga_id(int number) {
    char text[40];
    std::snprintf(text, sizeof text, "01890000-0000-7000-8000-%012d", number);
    return text;
}

template <class Value>
db::Parameter repeated(const Value& value) {
    return db::Parameter(std::vector<Value>(BareDatabase::batch, value));
}

db::Parameter numbers_from(std::int64_t first) {
    std::vector<std::int64_t> numbers;
    for (std::int64_t number = first; number < first + BareDatabase::batch; ++number)
        numbers.push_back(number);
    return db::Parameter(numbers);
}

void expect(std::int64_t found, std::int64_t wanted, const std::string& what) {
    if (found == wanted) return;
    throw std::runtime_error(what + ": " + std::to_string(found) + " instead of " + std::to_string(wanted));
}

}  // namespace

BareDatabase::BareDatabase(const std::string& admin_dsn)
    : database_(admin_dsn, "ordersaga_bench_limits"), connection_(database_.connect()) {
    for (const char* setting : {"fsync", "synchronous_commit", "full_page_writes"}) {
        const std::string value = setting_of(*connection_, setting);
        if (value != "on") throw std::runtime_error(std::string("PostgreSQL's ") + setting + " is " + value);
    }
    connection_->transact([&](db::Transaction& transaction) {
        transaction.run_script(kSchema);
        for (int part = 0; part < kParts; ++part) {
            std::vector<std::string> ids;
            for (int saga = 0; saga < batch; ++saga)
                ids.push_back(saga_id(part * batch + saga));
            parts_.push_back({db::Parameter(ids), repeated<std::string>(kData), 0});
            transaction.query(kInsertSagas, {parts_.back().ids, parts_.back().data});
        }
    });
    // As it would be after a minute, when the server has looked at its tables by itself.
    connection_->autocommit("VACUUM ANALYZE sagas");
}

void BareDatabase::step_batch() {
    static const db::Parameter from_state = repeated<std::string>("ChannelsSynced");
    static const db::Parameter to_state = repeated<std::string>("FulfillmentRequested");
    static const db::Parameter event = repeated<std::string>("FulfillmentAccepted");
    static const db::Parameter cause = repeated<std::string>("outcome of RequestFulfillment");
    static const db::Parameter details = repeated<std::string>(kDetails);
    static const db::Parameter message = repeated<std::string>(kMessage);

    Part& part = parts_[next_part_];
    const db::Parameter before = repeated(part.version);
    const db::Parameter after = repeated(part.version + 1);
    connection_->transact([&](db::Transaction& transaction) {
        expect(
            transaction.execute(kUpdateSagas, {part.ids, before, to_state, after, part.data}), batch, "sagas updated");
        transaction.execute(kInsertHistory, {part.ids, after, from_state, to_state, event, cause, details});
        transaction.execute(kInsertOutbox, {numbers_from(steps_), part.ids, message});
        // What the batch before has put there was sent meanwhile.
        if (steps_ > 0)
            expect(transaction.execute(kDeleteOutbox, {numbers_from(steps_ - batch)}), batch, "messages taken out");
    });
    part.version += 1;
    steps_ += batch;
    next_part_ = (next_part_ + 1) % parts_.size();
}

double BareDatabase::run_for(double seconds) {
    const std::int64_t before = steps_;
    const Clock::time_point start = Clock::now();
    double spent = 0;
    do {
        step_batch();
        spent = std::chrono::duration<double>(Clock::now() - start).count();
    } while (spent < seconds);
    return static_cast<double>(steps_ - before) / spent;
}

void BareDatabase::check_rows() {
    connection_->transact([&](db::Transaction& transaction) {
        expect(transaction.query("SELECT sum(version)::bigint FROM sagas").int64(0, 0), steps_, "versions");
        expect(transaction.query("SELECT count(*) FROM saga_history").int64(0, 0), steps_, "lines of history");
        expect(transaction.query("SELECT count(*) FROM outbox").int64(0, 0), batch, "messages in the outbox");
    });
}

}  // namespace ordersaga::bench
