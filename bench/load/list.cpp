// The lists, filters and counters that people look at, over a database that has lived: many finished sagas, many open ones, all
// copies (seed.hpp). One request after the other, over HTTP, as the answer comes. What is not answered with 200 has no figure and
// is told by its status.
#include "bench/load/scenarios.hpp"
#include "bench/load/seed.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"
#include "sandbox/demo/caller.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>
#include <vector>

namespace ordersaga::bench {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t least = 10, most = 40;  // requests for a figure
constexpr double long_enough_s = 20;

class Reader {
public:
    Reader(std::string url, std::string token) : url_(std::move(url) + "/api/v1"), token_(std::move(token)) {}

    demo::Caller::Reply get(const std::string& path) {
        return caller_.call("GET", url_ + path, "", token_, seconds(60));
    }

    json answer(const std::string& path) {
        const demo::Caller::Reply reply = get(path);
        if (reply.status != 200)
            throw std::runtime_error(fmt::format("GET {} gave {} {}", path, reply.status, reply.body));
        return runtime::parse_json(reply.body).value();
    }

private:
    demo::Caller caller_;
    std::string url_, token_;
};

std::vector<std::pair<std::string, std::string>> questions(Reader& reader) {
    const json page = reader.answer("/sagas");
    const json& saga = page.at("items").at(7);
    const std::string id = saga.at("saga_id"), store = saga.at("order").at("store");
    const std::string name = saga.at("order").at("name"), number = saga.at("order").at("order_id");
    return {
        {"newest", "/sagas"},
        {"next_page", "/sagas?after=" + runtime::percent_encode(page.at("next").get<std::string>())},
        {"open", "/sagas?open=true"},
        {"finished", "/sagas?state=Completed"},
        {"in_a_state", "/sagas?state=FulfillmentRequested"},
        {"in_a_rare_state", "/sagas?state=NeedsOperator"},
        {"incident", "/sagas?incident=true"},
        {"older_than", "/sagas?open=true&older_than=24h"},
        {"store", "/sagas?store=" + store},
        {"sku", "/sagas?sku=" + sku_number(0)},
        {"name", "/sagas?text=" + runtime::percent_encode(name)},
        {"order_number", "/sagas?text=" + number},
        {"nothing_found", "/sagas?text=no-such-order"},
        {"saga", "/sagas/" + id},
        {"history", "/sagas/" + id + "/history"},
        {"stock", "/stock"},
        {"listings", "/listings"},
        {"incidents", "/incidents"},
        {"counters", "/summary"}};
}

}  // namespace

Outcome run_list(const ScenarioOptions& options) {
    ScenarioOptions asked = options;
    asked.stage.settings["ORDERSAGA_PRIVATE_REQUESTS_PER_SECOND"] = "10000";
    asked.stage.demand.cancelled = 0;  // prepare() wants it so
    Stage stage(asked.stage);
    const auto finished = or_own<std::int64_t>(options.finished, 1'000'000);
    prepare(stage, finished);
    seed_sagas(stage.database(), "FulfillmentRequested", options.open, 7, say);
    const std::map<std::string, std::string> addresses = stage.system().addresses();
    Reader reader(addresses.at("ORDERSAGA_URL"), addresses.at("ORDERSAGA_TOKEN"));
    json p50 = json::object(), p95 = json::object(), failed = json::object();
    for (const auto& [name, path] : questions(reader)) {
        std::vector<double> times;
        const auto begin = steady_clock::now();
        reader.get(path);  // what lies on disk is in memory afterwards
        while (times.size() < most && (times.size() < least || seconds_since(begin) < long_enough_s)) {
            const auto asked_at = steady_clock::now();
            const demo::Caller::Reply reply = reader.get(path);
            if (reply.status != 200) {
                failed[name] = reply.status;
                break;
            }
            times.push_back(seconds_since(asked_at) * 1000);
        }
        if (!failed.contains(name)) {
            p50[name] = percentile(times, 0.5);
            p95[name] = percentile(times, 0.95);
        }
        say(fmt::format("{}: {:.1f} ms", path, percentile(times, 0.95)));
    }
    return judged(
        stage, {{"p95_ms", std::move(p95)},
                {"p50_ms", std::move(p50)},
                {"failed", std::move(failed)},
                {"finished_sagas", finished},
                {"open_sagas", options.open}});
}

}  // namespace ordersaga::bench
