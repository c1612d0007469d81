// What an operator repairs, as it is typed: sagactl against the private listener, the engine and the database behind it.
#include "orchestrator/cli/command_line.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_data.hpp"
#include "tests/integration/api/two_merchants.hpp"
#include "tests/support/orchestrator/orchestrator_in_process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace ordersaga::test {
namespace {

using cli::ExitCode;
using nlohmann::json;

constexpr const char* secret = "a store's secret";

class OperatorRepairs : public testing::Test {
protected:
    OperatorRepairs() {
        for (const std::string name : {"First", "Second"}) {
            db::create_token(
                world_.session, {name, name, "operator", runtime::sha256_hex("token-" + name), {}}, "test", "test");
        }
    }

    void start() {
        InProcessOptions options;
        options.engine_dsn = world_.database.dsns().engine;
        options.api_dsn = world_.database.dsns().api;
        options.orders = unhurried_orders();
        options.saga = unhurried_saga();
        options.loop.look_every = std::chrono::milliseconds(50);
        options.stores.push_back({{world_.first}, {store_id()}, "eu", "first.myshopify.com", {secret}});
        orchestrator_ = std::make_unique<OrchestratorInProcess>(std::move(options));
        ASSERT_TRUE(settles());
    }

    // Every duty has run, every listing was read and every flush applied.
    bool settles() {
        return orchestrator_->work_until(worker_, [this] {
            return look("SELECT count(*) FROM commands WHERE state <> 'closed'") == "0" &&
                   look("SELECT count(*) FROM duties WHERE next_due <= now()") == "0" &&
                   look("SELECT count(*) FROM listings WHERE wants_read OR read_open OR in_flight <> 0") == "0";
        });
    }

    ExitCode sagactl(std::vector<std::string> arguments, const std::string& merchant = "First") {
        std::ostringstream out, err;
        const runtime::Environment environment = runtime::fixed_environment(
            {{"ORDERSAGA_URL", "http://127.0.0.1:" + std::to_string(orchestrator_->private_port())},
             {"ORDERSAGA_TOKEN", "token-" + merchant}});
        cli::Surroundings world{out, err, environment};
        const ExitCode code = cli::run_command_line(arguments, world);
        out_ = out.str();
        err_ = err.str();
        return code;
    }

    std::string look(const std::string& query) {
        std::string value;
        world_.session.transact([&](db::Transaction& transaction) {
            const db::Rows rows = transaction.query(query);
            value = rows.empty() || rows.is_null(0, 0) ? "" : rows.text(0, 0);
        });
        return value;
    }
    void change(const std::string& statement) {
        world_.session.transact([&](db::Transaction& transaction) { transaction.execute(statement); });
    }
    std::string mine() const { return "merchant_id = " + std::to_string(world_.first); }
    std::int64_t store_id() { return std::stoll(look("SELECT store_id FROM stores WHERE " + mine())); }
    std::string last_audit() {
        return look(
            "SELECT concat_ws('|', actor, action, subject, reason) FROM audit WHERE " + mine() +
            " ORDER BY audit_id DESC LIMIT 1");
    }
    void open_incident(const std::string& key, const std::string& saga_id = "") {
        change(
            "INSERT INTO incidents (merchant_id, incident_key, saga_id, cause, text, opened_at, updated_at) SELECT "
            "merchant_id, '" +
            key + "', " + (saga_id.empty() ? "NULL" : "'" + saga_id + "'") +
            ", 'because', 'text', now(), now() FROM merchants WHERE " + mine());
    }
    static std::string an_order() {
        return json{
            {"id", 5001},
            {"name", "#5001"},
            {"created_at", "2026-07-01T10:00:00Z"},
            {"updated_at", "2026-07-01T10:00:00Z"},
            {"financial_status", "paid"},
            {"line_items", {{{"id", 1}, {"variant_id", 1}, {"sku", "SHIRT"}, {"quantity", 1}}}}}
            .dump();
    }
    std::string incident_id(const std::string& key) {
        return look("SELECT incident_id FROM incidents WHERE incident_key = '" + key + "' AND " + mine());
    }

    TwoMerchants world_;
    PlainWorker worker_{{"w1"}, 20};
    std::unique_ptr<OrchestratorInProcess> orchestrator_;
    std::string out_, err_;
};

TEST_F(OperatorRepairs, AParkedListingIsReadQuietlyBeforeItJoinsUpdates) {
    ASSERT_NO_FATAL_FAILURE(start());
    const std::string id = look(
        "SELECT listing_id FROM listings JOIN skus USING (merchant_id, sku_id) WHERE sku = 'SHIRT' AND listings." +
        mine());
    change("UPDATE listings SET parked = 'ITEM_NOT_STOCKED' WHERE listing_id = " + id);
    open_incident("listing:" + id);
    const std::string where = " FROM listings WHERE listing_id = " + id;

    EXPECT_EQ(sagactl({"listing", "list", "--parked"}), ExitCode::ok) << err_;
    EXPECT_NE(out_.find("ITEM_NOT_STOCKED"), std::string::npos);
    EXPECT_EQ(sagactl({"listing", "list", "--parked"}, "Second"), ExitCode::ok);
    EXPECT_EQ(out_, "no parked listings\n");
    EXPECT_EQ(sagactl({"incident", "show", incident_id("listing:" + id)}), ExitCode::ok) << err_;
    EXPECT_NE(out_.find("sagactl listing unpark eu/SHIRT"), std::string::npos) << out_;

    // Another merchant has a listing of this name, which is not parked, and cannot reach ours.
    EXPECT_EQ(sagactl({"listing", "unpark", "eu/SHIRT", "-r", "mended"}, "Second"), ExitCode::conflict);
    EXPECT_EQ(look("SELECT parked" + where), "ITEM_NOT_STOCKED");
    EXPECT_EQ(sagactl({"listing", "unpark", "eu/NONE", "-r", "mended"}), ExitCode::not_found);
    EXPECT_EQ(sagactl({"listing", "unpark", "eu", "-r", "mended"}), ExitCode::usage);

    const std::size_t reads = orchestrator_->sink().sent(sagas::activity::quiet_read).size();
    ASSERT_EQ(sagactl({"listing", "unpark", "eu/SHIRT", "-r", "mended"}), ExitCode::ok) << err_;
    EXPECT_EQ(look("SELECT parked" + where), "");
    EXPECT_EQ(look("SELECT wants_read" + where), "t");
    EXPECT_EQ(look("SELECT closed_at IS NOT NULL FROM incidents WHERE incident_key = 'listing:" + id + "'"), "t");
    EXPECT_EQ(last_audit(), "First|listing unpark|listing:" + id + "|mended");
    EXPECT_EQ(sagactl({"listing", "unpark", "eu/SHIRT", "-r", "again"}), ExitCode::conflict);
    EXPECT_NE(err_.find("not parked"), std::string::npos);

    const std::size_t flushes = orchestrator_->sink().sent(sagas::activity::flush_stock).size();
    ASSERT_TRUE(orchestrator_->work_until(
        worker_, [&] { return orchestrator_->sink().sent(sagas::activity::quiet_read).size() > reads; },
        {std::string(sagas::activity::quiet_read)}));
    EXPECT_EQ(orchestrator_->sink().sent(sagas::activity::flush_stock).size(), flushes) << "nothing before it was read";
    ASSERT_TRUE(settles());
    EXPECT_EQ(look("SELECT believed = target" + where), "t");
}

TEST_F(OperatorRepairs, AStoreThatRemovedTheAppIsFollowedAgain) {
    ASSERT_NO_FATAL_FAILURE(start());
    const std::string status = "SELECT status FROM stores WHERE " + mine();
    const std::string key = "store:" + std::to_string(store_id());
    ASSERT_EQ(
        orchestrator_
            ->send_webhook(
                "first.myshopify.com", secret, "app/uninstalled", "w-1",
                R"({"myshopify_domain":"first.myshopify.com"})")
            .status,
        200);
    ASSERT_EQ(look(status), "uninstalled");
    EXPECT_EQ(sagactl({"store", "list"}), ExitCode::ok);
    EXPECT_NE(out_.find("uninstalled"), std::string::npos);
    EXPECT_EQ(sagactl({"store", "deactivate", "eu", "-r", "x"}), ExitCode::conflict);
    EXPECT_NE(err_.find("uninstalled already"), std::string::npos);

    EXPECT_EQ(sagactl({"store", "activate", "eu", "-r", "ours is installed"}, "Second"), ExitCode::ok);
    EXPECT_EQ(look(status), "uninstalled") << "another merchant's store of the same name";
    EXPECT_EQ(sagactl({"store", "activate", "us", "-r", "x"}), ExitCode::not_found);

    const std::size_t polls = orchestrator_->sink().sent(sagas::activity::poll_orders).size();
    ASSERT_EQ(sagactl({"store", "activate", "eu", "-r", "installed again"}), ExitCode::ok) << err_;
    EXPECT_EQ(look(status), "active");
    EXPECT_EQ(look("SELECT closed_at IS NOT NULL FROM incidents WHERE incident_key = '" + key + "'"), "t");
    EXPECT_EQ(last_audit(), "First|store activate|eu|installed again");
    EXPECT_EQ(look("SELECT bool_and(wants_read) FROM listings WHERE " + mine()), "t");
    ASSERT_TRUE(settles());
    EXPECT_EQ(look("SELECT bool_and(NOT wants_read) FROM listings WHERE " + mine()), "t");
    EXPECT_GT(orchestrator_->sink().sent(sagas::activity::poll_orders).size(), polls);

    ASSERT_EQ(sagactl({"store", "deactivate", "eu", "-r", "moving house", "--idempotency-key", "k1"}), ExitCode::ok);
    EXPECT_EQ(look(status), "suspended");
    EXPECT_EQ(sagactl({"store", "deactivate", "eu", "-r", "moving house", "--idempotency-key", "k1"}), ExitCode::ok);
    EXPECT_NE(out_.find("applied"), std::string::npos);
    EXPECT_EQ(sagactl({"store", "deactivate", "eu", "-r", "other", "--idempotency-key", "k1"}), ExitCode::usage);
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action = 'store deactivate' AND " + mine()), "1");
}

TEST_F(OperatorRepairs, AStoreIsObservedAndGoesLiveAtAnInstant) {
    start();
    const std::string mode = "SELECT mode FROM stores WHERE " + mine();
    EXPECT_EQ(sagactl({"store", "mode", "eu", "live", "-r", "x"}), ExitCode::conflict) << "it is live already";
    EXPECT_EQ(sagactl({"store", "mode", "eu", "perhaps", "-r", "x"}), ExitCode::usage);
    EXPECT_EQ(sagactl({"store", "mode", "us", "observe", "-r", "x"}), ExitCode::not_found);
    ASSERT_EQ(sagactl({"store", "mode", "eu", "observe", "-r", "not yet"}), ExitCode::ok) << err_;
    EXPECT_EQ(look(mode), "observe");
    EXPECT_EQ(last_audit(), "First|store mode|eu|not yet");
    ASSERT_EQ(sagactl({"store", "list"}), ExitCode::ok);
    EXPECT_NE(out_.find("observe"), std::string::npos);

    ASSERT_EQ(sagactl({"store", "mode", "eu", "live", "-r", "the old channel is off"}), ExitCode::ok) << err_;
    EXPECT_EQ(
        look(
            "SELECT mode || ' ' || (go_live_at BETWEEN now() - interval '1 minute' AND now() + interval '1 second') || "
            "' ' || "
            "(observed_from < go_live_at) FROM stores WHERE " +
            mine()),
        "live true true");
    EXPECT_EQ(
        look(
            "SELECT (details->>'go_live_at')::timestamptz = (SELECT go_live_at FROM stores WHERE " + mine() +
            ") FROM audit WHERE action = 'store mode' ORDER BY at DESC LIMIT 1"),
        "t");
    ASSERT_TRUE(settles());
}

TEST_F(OperatorRepairs, AnIncidentIsClosedOnlyWhenNothingElseWould) {
    const std::string over = world_.add_saga(world_.first, 1, "NeedsOperator");
    const std::string stuck = world_.add_saga(world_.first, 2, "NeedsOperator");
    const std::string data = sagas::to_json(sagas::OrderData{}).dump();
    change("UPDATE sagas SET next_wake = now() + interval '1 year', data = '" + data + "'");
    change("UPDATE sagas SET state = 'Compensated', final = true, next_wake = NULL WHERE saga_id = '" + over + "'");
    open_incident("saga:" + over, over);
    open_incident("saga:" + stuck, stuck);
    ASSERT_NO_FATAL_FAILURE(start());
    const std::string flush = "flush:FlushStock/store:" + std::to_string(store_id());
    open_incident(flush);

    EXPECT_EQ(sagactl({"incident", "list", "--json"}), ExitCode::ok);
    EXPECT_EQ(json::parse(out_).size(), 3U);
    EXPECT_EQ(sagactl({"incident", "list"}, "Second"), ExitCode::ok);
    EXPECT_EQ(out_, "no open incidents\n");
    for (const std::string verb : {"show", "close"}) {
        std::vector<std::string> arguments{"incident", verb, incident_id("saga:" + over)};
        if (verb == "close") arguments.insert(arguments.end(), {"-r", "x"});
        EXPECT_EQ(sagactl(arguments, "Second"), ExitCode::not_found) << verb;
    }
    EXPECT_EQ(sagactl({"incident", "close", "no number", "-r", "x"}), ExitCode::not_found);

    EXPECT_EQ(sagactl({"incident", "close", incident_id("saga:" + stuck), "-r", "x"}), ExitCode::conflict);
    EXPECT_NE(err_.find("retry, cancel or compensate"), std::string::npos) << err_;

    ASSERT_EQ(sagactl({"incident", "close", incident_id("saga:" + over), "-r", "called them"}), ExitCode::ok) << err_;
    EXPECT_EQ(look("SELECT incident IS NULL FROM sagas WHERE saga_id = '" + over + "'"), "t");
    EXPECT_EQ(
        look(
            "SELECT event || '|' || cause FROM saga_history WHERE saga_id = '" + over +
            "' ORDER BY version DESC LIMIT 1"),
        "IncidentClosed|operator First: called them");
    EXPECT_EQ(last_audit(), "First|incident close|saga:" + over + "|called them");
    EXPECT_EQ(sagactl({"incident", "close", incident_id("saga:" + over), "-r", "again"}), ExitCode::conflict);

    EXPECT_EQ(sagactl({"incident", "close", incident_id(flush), "-r", "seen"}), ExitCode::ok) << err_;
    EXPECT_EQ(sagactl({"incident", "list", "--json"}), ExitCode::ok);
    EXPECT_EQ(json::parse(out_).size(), 1U);
    EXPECT_EQ(sagactl({"incident", "list", "--closed", "--json"}), ExitCode::ok);
    EXPECT_EQ(json::parse(out_).size(), 3U);
}

TEST_F(OperatorRepairs, AParkedWebhookGoesThroughTheSameIntakeAgain) {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_EQ(
        orchestrator_->send_webhook("first.myshopify.com", secret, "orders/create", "w-1", R"({"id":)").status, 200);
    ASSERT_EQ(sagactl({"parked", "list", "--json"}), ExitCode::ok);
    const std::string item = json::parse(out_).at(0).at("item_id");
    EXPECT_EQ(sagactl({"parked", "list", "--json"}, "Second"), ExitCode::ok);
    EXPECT_EQ(out_, "[]\n");

    EXPECT_EQ(sagactl({"parked", "show", item}), ExitCode::ok) << err_;
    EXPECT_NE(out_.find("sagactl parked retry " + item), std::string::npos);
    EXPECT_EQ(sagactl({"parked", "show", item, "--data"}), ExitCode::not_allowed) << "it is about persons";
    EXPECT_EQ(sagactl({"parked", "show", item}, "Second"), ExitCode::not_found);
    EXPECT_EQ(sagactl({"parked", "retry", item, "-r", "x"}, "Second"), ExitCode::not_found);
    EXPECT_EQ(sagactl({"parked", "retry", item, "-r", "x"}), ExitCode::conflict) << "still not understood";

    // As if a later build understood what this one did not.
    change(
        "UPDATE webhook_receipts SET data_key_id = NULL, body = convert_to('" + an_order() +
        "', 'UTF8') WHERE webhook_id = 'w-1'");
    ASSERT_EQ(sagactl({"parked", "replay", item, "-r", "mended"}), ExitCode::ok) << err_;
    EXPECT_EQ(look("SELECT count(*) FROM sagas WHERE " + mine()), "1");
    EXPECT_EQ(look("SELECT status FROM webhook_receipts WHERE webhook_id = 'w-1'"), "ignored");
    EXPECT_EQ(last_audit(), "First|parked retry|" + item + "|mended");
    EXPECT_EQ(sagactl({"parked", "retry", item, "-r", "again"}), ExitCode::not_found);
    EXPECT_EQ(sagactl({"parked", "list"}), ExitCode::ok);
    EXPECT_EQ(out_, "nothing is parked\n");
}

TEST_F(OperatorRepairs, AnAdjustmentIsInTheAudit) {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_EQ(sagactl({"stock", "adjust", "SHIRT", "--by", "-2", "-r", "damaged"}), ExitCode::ok) << err_;
    EXPECT_EQ(last_audit(), "First|stock adjust|SHIRT|damaged");
}

TEST_F(OperatorRepairs, AnImportedCountIsInTheLedgerAndTheAudit) {
    ASSERT_NO_FATAL_FAILURE(start());
    const std::string file = testing::TempDir() + "/count.csv";
    std::ofstream(file) << "sku,on_hand\nSHIRT,17\nHAT,3\n";
    ASSERT_EQ(sagactl({"stock", "import", file, "-r", "count"}), ExitCode::ok) << err_;
    EXPECT_EQ(last_audit(), "First|stock adjust|SHIRT|count");
    EXPECT_EQ(
        look("SELECT on_hand FROM stock JOIN skus USING (merchant_id, sku_id) WHERE sku = 'SHIRT' AND stock." + mine()),
        "17");
    ASSERT_EQ(sagactl({"stock", "import", file, "-r", "again", "--json"}), ExitCode::ok) << err_;
    EXPECT_EQ(json::parse(out_).at("moves").size(), 0U);
    std::remove(file.c_str());
}

}  // namespace
}  // namespace ordersaga::test
