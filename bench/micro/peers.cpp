// The worker's own work on a call: what it sends to ShipBob and to a store, and what it reads from their answers. The peer
// answers at once, so nothing here waits.
#include "activities/command_runner.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/answers.hpp"
#include "activities/wms/shipbob/answers.hpp"
#include "bench/micro/messages.hpp"
#include "bench/micro/must.hpp"
#include "runtime/http_client.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "sagas/stock_flush.hpp"

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace ordersaga::bench {

namespace {

using nlohmann::json;
namespace shipbob = activities::wms::shipbob;
namespace shopify = activities::shopify;

const HappyPath& path() {
    static const HappyPath of_one_line = happy_path(sagas::OrderSaga(), 1);
    return of_one_line;
}

const json& recipient() {
    static const json person = {
        {"name", "Mathilde Van den Broeck"},
        {"address1", "Rue de la Cathédrale 117"},
        {"address2", "boîte 3"},
        {"city", "Liège"},
        {"state", ""},
        {"zip_code", "4000"},
        {"country", "BE"},
        {"email", "mathilde.vandenbroeck@example.com"},
        {"phone_number", "+32 470 12 34 56"}};
    return person;
}

activities::wms::FulfillmentRequest a_request() {
    const json& payload = path().request.payload;
    activities::wms::FulfillmentRequest request;
    request.reference = payload.at("reference").get<std::string>();
    request.request_key = payload.at("request_key").get<std::string>();
    request.display_number = payload.at("order_number").get<std::string>();
    request.ship_method = payload.at("ship_method").get<std::string>();
    request.recipient = {
        "Mathilde Van den Broeck",
        "mathilde.vandenbroeck@example.com",
        "+32 470 12 34 56",
        {"Rue de la Cathédrale 117", "boîte 3", "Liège", "", "", "4000", "BE"}};
    request.lines = {{"5100000000181", "SHIRT-1", 9001, 1, std::nullopt}};
    request.tags = {{"store", "eu"}, {"order", "5100000000180"}};
    return request;
}

// What ShipBob answers to a create: the request, its own ids, one shipment that waits to be picked.
const std::string& warehouse_answer() {
    static const std::string body = [] {
        const json sent = json::parse(shipbob::create_body(a_request()));
        const json product = {
            {"id", 9001},     {"reference_id", "SHIRT-1"},   {"sku", "SHIRT-1"},
            {"quantity", 1},  {"external_line_id", nullptr}, {"gtin", nullptr},
            {"upc", nullptr}, {"unit_price", nullptr},       {"quantity_unit_of_measure_code", nullptr}};
        const json item = {
            {"id", 9001},
            {"reference_id", "SHIRT-1"},
            {"name", "Organic T-Shirt"},
            {"quantity", 1},
            {"inventory_items", json::array({{{"id", 77001}, {"name", "Organic T-Shirt"}, {"quantity", 1}}})}};
        const json shipment = {
            {"id", 88120034},
            {"order_id", 150000004},
            {"reference_id", sent.at("reference_id")},
            {"status", "Processing"},
            {"status_details",
             json::array({{{"id", 100}, {"name", "AwaitingReset"}, {"description", "Awaiting pick"}}})},
            {"created_date", "2026-06-01T08:00:12.0000000+00:00"},
            {"last_update_at", "2026-06-01T08:00:12.0000000+00:00"},
            {"location", {{"id", 4}, {"name", "Cicero (IL)"}}},
            {"ship_option", "Ground"},
            {"recipient", sent.at("recipient")},
            {"products", json::array({item})},
            {"measurements", {{"total_weight_oz", 6}, {"length_in", 9}, {"width_in", 6}, {"depth_in", 1}}},
            {"tracking", nullptr},
            {"estimated_fulfillment_date", "2026-06-02T22:00:00+00:00"},
            {"require_signature", false}};
        return json{
            {"id", 150000004},
            {"reference_id", sent.at("reference_id")},
            {"order_number", sent.at("order_number")},
            {"status", "Processing"},
            {"type", "DTC"},
            {"channel", {{"id", 128944}, {"name", "Shirts"}}},
            {"created_date", "2026-06-01T08:00:12+00:00"},
            {"purchase_date", nullptr},
            {"recipient", sent.at("recipient")},
            {"products", json::array({product})},
            {"shipments", json::array({shipment})},
            {"shipping_method", "Ground"},
            {"shipping_terms", {{"carrier_type", "Parcel"}, {"payment_term", "Prepaid"}}},
            {"tags", json::array()},
            {"financials", nullptr},
            {"gift_message", nullptr}}
            .dump();
    }();
    return body;
}

activities::PeerAnswer answered(int status, const std::string& body) {
    activities::PeerAnswer answer;
    answer.kind = activities::PeerAnswer::Kind::response;
    answer.status = status;
    answer.headers = {{"Content-Type", "application/json"}, {"x-remaining-calls", "149"}};
    answer.body = body;
    return answer;
}

void write_warehouse_request(benchmark::State& state) {
    const activities::wms::FulfillmentRequest request = a_request();
    const std::size_t size = shipbob::create_body(request).size();
    for (auto _ : state) {
        must(shipbob::faults_of(request).empty(), "a request without faults");
        must(shipbob::create_body(request).size() == size, "the request's body");
    }
    state.counters["bytes"] = static_cast<double>(size);
}

void read_warehouse_answer(benchmark::State& state) {
    const activities::PeerAnswer answer = answered(201, warehouse_answer());
    for (auto _ : state) {
        must(!shipbob::failure_of(shipbob::CallKind::write, answer), "a success");
        const auto view = shipbob::read_order(activities::parse_peer_json(answer.body).value());
        must(view && view->id == "150000004" && view->shipments.size() == 1, "the warehouse's order");
    }
    state.counters["bytes"] = static_cast<double>(answer.body.size());
}

// ---------------------------------------------------------------------------------------------------------------------
// A whole command in the worker, without the network

class ReadyPeer final : public runtime::HttpTransport {
public:
    ReadyPeer(int status, std::string body) : status_(status), body_(std::move(body)) {}

    boost::asio::awaitable<runtime::HttpOutcome> send(runtime::HttpCall call) override {
        must(!call.before_first_byte || call.before_first_byte(), "a call that may be sent");
        runtime::HttpOutcome outcome;
        outcome.kind = runtime::HttpOutcome::Kind::response;
        outcome.status = status_;
        outcome.headers = {{"Content-Type", "application/json"}, {"x-remaining-calls", "149"}};
        outcome.body = body_;
        co_return outcome;
    }

private:
    int status_;
    std::string body_;
};

class OnePerson final : public activities::Recipients {
public:
    boost::asio::awaitable<Answer> of(std::string, std::string) override {
        co_return Answer{Answer::Kind::known, text_};
    }

private:
    std::string text_ = recipient().dump();
};

class StandingClock final : public activities::DatabaseClock {
public:
    std::optional<runtime::Instant> now() const override { return path_begins; }
};

void perform_request(benchmark::State& state) {
    activities::WorkerConfig config;
    config.warehouses = {{"main", "shipbob", "http://127.0.0.1:1/shipbob/main", "2026-01", "128944", "secret"}};
    ReadyPeer peer(201, warehouse_answer());
    StandingClock clock;
    runtime::SeededRandom random(7);
    activities::CommandRunner runner(config, peer, clock, random, std::make_shared<OnePerson>());
    const broker::Envelope command = command_envelope(path());
    boost::asio::io_context context(1);
    for (auto _ : state) {
        sagas::Outcome outcome;
        boost::asio::co_spawn(
            context, [&]() -> boost::asio::awaitable<void> { outcome = co_await runner.run(command, false); },
            [](const std::exception_ptr& error) {
                if (error) std::rethrow_exception(error);
            });
        context.restart();
        context.run();
        must(outcome.kind == sagas::OutcomeKind::done && outcome.payload.contains("view"), "an accepted request");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// A store's stock

std::string store_request(std::int64_t rows) {
    std::vector<sagas::FlushLine> lines;
    for (std::int64_t row = 0; row < rows; ++row)
        lines.push_back({std::to_string(49'500'000'000'000 + row), "58100000001", -1});
    return sagas::flush_body("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "ordersaga://flush/1", lines);
}

std::string store_answer(std::int64_t rows) {
    json changes = json::array();
    for (std::int64_t row = 0; row < rows; ++row) {
        changes.push_back(
            {{"name", "available"},
             {"delta", -1},
             {"item", {{"id", "gid://shopify/InventoryItem/" + std::to_string(49'500'000'000'000 + row)}}},
             {"location", {{"id", "gid://shopify/Location/58100000001"}}}});
    }
    const json payload = {
        {"inventoryAdjustmentGroup", {{"id", "gid://shopify/InventoryAdjustmentGroup/1"}, {"changes", changes}}},
        {"userErrors", json::array()}};
    const json status = {{"maximumAvailable", 2000.0}, {"currentlyAvailable", 1990}, {"restoreRate", 100.0}};
    return json{
        {"data", {{"inventoryAdjustQuantities", payload}}},
        {"extensions", {{"cost", {{"requestedQueryCost", 10}, {"actualQueryCost", 10}, {"throttleStatus", status}}}}}}
        .dump();
}

void write_store_request(benchmark::State& state) {
    const std::size_t size = store_request(state.range(0)).size();
    for (auto _ : state)
        must(store_request(state.range(0)).size() == size, "the request's body");
    state.counters["bytes"] = static_cast<double>(size);
}

void read_store_answer(benchmark::State& state) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    const std::string request = store_request(state.range(0));
    const activities::PeerAnswer answer = answered(200, store_answer(state.range(0)));
    for (auto _ : state) {
        const auto asked = shopify::rows_of_request(request);
        const shopify::Answer read = shopify::read_answer(shopify::adjust_stock, answer);
        must(asked && read.verdict == shopify::Verdict::ok, "an answer without errors");
        must(shopify::settle_flush(*asked, read).applied.size() == rows, "every row applied");
    }
    state.counters["bytes"] = static_cast<double>(answer.body.size());
}

BENCHMARK(write_warehouse_request)->Name("shipbob/write_request");
BENCHMARK(read_warehouse_answer)->Name("shipbob/read_answer");
BENCHMARK(perform_request)->Name("worker/request_fulfillment");
BENCHMARK(write_store_request)->Name("store/write_flush")->ArgName("rows")->Arg(1)->Arg(30)->Arg(250);
BENCHMARK(read_store_answer)->Name("store/read_answer")->ArgName("rows")->Arg(1)->Arg(30)->Arg(250);

}  // namespace

}  // namespace ordersaga::bench
