#include "tests/crash/system/world.hpp"

#include "db/connection.hpp"
#include "runtime/child_process.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"
#include "sandbox/demo/account.hpp"
#include "tests/support/environment.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>

namespace ordersaga::crash {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string needed(const char* name) {
    const std::string value = test::variable(name);
    if (value.empty()) throw std::runtime_error(std::string(name) + " is not set: run ./dev test crash");
    return value;
}

demo::Options options_in(const std::filesystem::path& folder) {
    demo::Options options;
    options.bin = needed("ORDERSAGA_BIN");
    options.servers_env = std::filesystem::path(needed("ORDERSAGA_SERVERS_DIR")) / "env";
    options.directory = folder;
    // Short, so that what a death leaves in doubt is settled in seconds.
    options.settings = {
        // The same member again: its shards are not waited for as those of a stranger would be.
        {"ORDERSAGA_ENGINE_MEMBER", "crash"},         {"ORDERSAGA_ENGINE_RELAY_AFTER", "500ms"},
        {"ORDERSAGA_CALLS_CALL_DEADLINE", "1s"},      {"ORDERSAGA_CALLS_SEND_WITHIN", "1s"},
        {"ORDERSAGA_CALLS_START_TO_CLOSE", "2500ms"}, {"ORDERSAGA_CALLS_LOOKUP_DELAY", "100ms"},
        {"ORDERSAGA_CALLS_MAX_INTERVAL", "1s"},       {"ORDERSAGA_DUTIES_READ_STOCK_EVERY", "2s"},
        {"ORDERSAGA_DUTIES_POLL_ORDERS_EVERY", "2s"}, {"ORDERSAGA_DUTIES_POLL_FULFILLMENTS_EVERY", "2s"},
        {"ORDERSAGA_DUTIES_QUIET_READS_EVERY", "1s"}, {"ORDERSAGA_DUTIES_HINT_SETTLES_AFTER", "2s"},
        {"ORDERSAGA_RETENTION_HISTORY_MONTHS", "3"},  {"ORDERSAGA_RETENTION_KEEP", "168h"},
    };
    return options;
}

demo::Catalogue catalogue() {
    using Kind = demo::ArticleKind;
    constexpr std::int64_t plenty = 100'000;
    demo::Catalogue all;
    all.shops = {{"blue", "blue-shirts.myshopify.com"}, {"red", "red-shirts.myshopify.com"}};
    for (const char* sku : {"SHIRT-01", "SHIRT-02", "SHIRT-03"})
        all.articles.push_back({sku, sku, Kind::plentiful, plenty, 0, {}});
    all.articles.push_back({"SHIRT-04", "Asked first", Kind::plentiful, plenty, 0, {}, true});
    all.articles.push_back({"GONE-01", "Sold out", Kind::scarce, 0, 0, {}});
    all.articles.push_back({"SOON-01", "Pre-order", Kind::backorder, 0, 0, {}});
    all.articles.push_back({"BUNDLE-A", "Two shirts", Kind::bundle, 0, 0, {{"SHIRT-01", 1}, {"SHIRT-02", 1}}});
    return all;
}

demo::WorldSettings world_settings() {
    demo::WorldSettings settings;
    settings.pick_after_ms = 200;
    settings.ship_after_ms = 50;
    settings.deliver_after_ms = 50;
    settings.token_lifetime_s = 3600;
    return settings;
}

}  // namespace

std::string Placed::reference(int part, int generation) const {
    return fmt::format("{}.{}.{}.{}", order.plan.shop == 0 ? "blue" : "red", order.order_id, part, generation);
}

World::World(std::filesystem::path folder)
    : folder_(std::move(folder)), system_(options_in(folder_), catalogue(), world_settings()) {
    test::keep_role_passwords();
    system_.start([](const std::string&) {});
    // A store that finds nobody soon tries again.
    system_.control(
        "PUT", "/control/faults",
        {{"redelivery", {{"first_ms", 100}, {"factor", 1.5}, {"longest_ms", 500}, {"tries_max", 100}}}});
}

// --- what happens in it ----------------------------------------------------------------------------------------------

std::vector<Placed> World::place(const std::vector<Wish>& wishes) {
    json orders = json::array();
    for (const Wish& wish : wishes) {
        json lines = json::array();
        for (const demo::PlannedLine& line : wish.lines)
            lines.push_back({{"sku", line.sku}, {"quantity", line.quantity}});
        json order = {{"store", system_.catalogue().shops[wish.shop].domain}, {"lines", std::move(lines)}};
        if (wish.oversell) order["oversell"] = true;
        if (!wish.paid) order["paid"] = false;
        orders.push_back(std::move(order));
    }
    const json answer = system_.control("POST", "/control/bulk", {{"orders", std::move(orders)}});
    std::vector<Placed> made;
    for (std::size_t index = 0; index < wishes.size(); ++index) {
        const json& result = answer.at("results").at(index);
        if (result.at("status") != 201) throw std::runtime_error("a store does not take an order: " + result.dump());
        demo::PlannedOrder plan;
        plan.shop = wishes[index].shop;
        plan.lines = wishes[index].lines;
        made.push_back(
            {{std::move(plan), result.at("id"), result.at("name")},
             wishes[index].goes_out,
             wishes[index].comes_to_rest});
    }
    walk_.insert(walk_.end(), made.begin(), made.end());
    return made;
}

std::function<bool()> World::after(milliseconds delay, std::function<bool()> step) {
    return [at = steady_clock::now() + delay, step = std::move(step)] {
        return steady_clock::now() >= at && step();
    };
}

bool World::happened(const std::string& kind, const std::string& reference) const {
    return std::any_of(effects_.begin(), effects_.end(), [&](const json& effect) {
        return effect.at("kind") == kind && effect.at("reference") == reference;
    });
}

std::string World::state_of(const Placed& order) {
    const auto sagas = system_.rest("/sagas?limit=50");
    if (!sagas) return {};
    const json& items = sagas->at("items");
    for (const json& saga : items) {
        if (saga.at("subject") == order.order.subject(system_.catalogue())) return saga.at("state");
    }
    return {};
}

void World::warehouse(const json& settings) {
    system_.control("PATCH", "/control/warehouses/main", settings);
}

void World::change(const Placed& order, const std::string& action, const json& body) {
    const std::string& domain = system_.catalogue().shops[order.order.plan.shop].domain;
    const std::string path = "/control/stores/" + domain + "/orders/" + order.order.order_id + "/" + action;
    const demo::System::Answer answer = system_.control_raw("POST", path, runtime::dump_json(body));
    // A shop may say no (409): shipped meanwhile.
    if (answer.status / 100 != 2 && answer.status != 409)
        throw std::runtime_error(fmt::format("sandbox: {} gave {} {}", path, answer.status, answer.body));
}

// The key makes the repeat of what was killed harmless.
bool World::operate(const std::string& verb, const Placed& order) {
    if (steady_clock::now() < next_command_) return false;
    const std::string key = order.order.key(system_.catalogue());
    std::string name = key;
    name.replace(name.find('.'), 1, "/");
    const runtime::CommandEnd end =
        system_.sagactl({verb, name, "--reason", "a test", "--idempotency-key", verb + "-" + key});
    if (end.status == 0) return true;
    // The API has a limit. For half a minute it takes a command whose orchestrator has died for one that is under way.
    next_command_ = steady_clock::now() + seconds(1);
    sql("UPDATE api_idempotency SET claimed_at = claimed_at - interval '30 seconds' WHERE status IS NULL");
    return false;
}

void World::faults(const json& calls) {
    system_.control("PUT", "/control/faults", {{"calls", calls}});
}

std::string World::sql(const std::string& script) {
    runtime::ChildPlan psql;
    psql.program = "/usr/bin/psql";
    psql.arguments = {"--no-psqlrc",
                      "--quiet",
                      "--tuples-only",
                      "--no-align",
                      "-v",
                      "ON_ERROR_STOP=1",
                      "-c",
                      script,
                      db::dsn_with(system_.addresses().at("ORDERSAGA_ADMIN_DSN"), {{"dbname", "ordersaga_demo"}})};
    psql.log = folder_ / "psql.log";
    if (const runtime::CommandEnd end = runtime::run_command(psql, seconds(30)); end.status != 0)
        throw std::runtime_error("psql: " + end.output);
    else
        return end.output;
}

// --- deaths ----------------------------------------------------------------------------------------------------------

bool World::open() const {
    const auto url = runtime::parse_url(system_.addresses().at("ORDERSAGA_PUBLIC_URL"));
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(url->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool taken = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return taken;
}

void World::start(const std::string& subject, const std::map<std::string, std::string>& environment) {
    std::filesystem::remove(folder_ / ("points." + subject));
    ++starts_[subject];
    system_.start_again(subject, environment);
    const auto limit = steady_clock::now() + seconds(30);
    while (subject == "orchestrator" && !system_.ended(subject) && !open()) {
        if (steady_clock::now() > limit) throw std::runtime_error("the orchestrator does not open");
        runtime::pause(milliseconds(10));
    }
}

std::map<std::string, std::string> World::logged(const std::string& subject, const std::string& crash_at) const {
    std::map<std::string, std::string> environment{{"ORDERSAGA_CRASH_LOG", folder_ / ("points." + subject)}};
    if (!crash_at.empty()) environment["ORDERSAGA_CRASH_AT"] = crash_at;
    return environment;
}

std::vector<std::string> World::points_passed(const std::string& subject) const {
    std::vector<std::string> names;
    std::ifstream file(folder_ / ("points." + subject));
    for (std::string line; std::getline(file, line);)
        names.push_back(line);
    return names;
}

std::optional<int> World::await_end(const std::string& subject, milliseconds patience) {
    const auto limit = steady_clock::now() + patience;
    // Some points are passed only when somebody looks, as settle() does.
    auto next_look = steady_clock::now() + seconds(2);
    while (!system_.ended(subject) && steady_clock::now() < limit) {
        tick();
        if (steady_clock::now() < next_look) continue;
        system_.rest("/sagas?limit=1");
        next_look = steady_clock::now() + milliseconds(500);
    }
    return system_.ended(subject);
}

void World::tick() {
    if (steady_clock::now() - ledger_read_at_ > milliseconds(50)) read_ledger();
    for (auto step = steps_.begin(); step != steps_.end();)
        step = (*step)() ? steps_.erase(step) : std::next(step);
    runtime::pause(milliseconds(10));
}

void World::read_ledger() {
    const json page = system_.control("/control/ledger?limit=10000&after=" + std::to_string(ledger_read_to_));
    ledger_read_to_ = page.at("next_after");
    for (const json& effect : page.at("effects"))
        effects_.push_back(effect);
    ledger_read_at_ = steady_clock::now();
}

// --- the verdict -----------------------------------------------------------------------------------------------------

bool World::at_rest(bool ask_a_person, std::string& missing) {
    if (!steps_.empty()) {
        missing = fmt::format("{} steps of the walk are not done", steps_.size());
        return false;
    }
    const auto sagas = system_.rest("/sagas?limit=100");
    if (!sagas) {
        missing = "the orchestrator does not answer";
        return false;
    }
    for (const Placed& order : walk_) {
        const std::string subject = order.order.subject(system_.catalogue());
        const json& items = sagas->at("items");
        const auto saga =
            std::find_if(items.begin(), items.end(), [&](const json& row) { return row.at("subject") == subject; });
        if (saga == items.end()) {
            missing = subject + " is not known";
            return false;
        }
        const bool rests =
            saga->at("final").get<bool>() || !order.comes_to_rest || (ask_a_person && !saga->at("incident").is_null());
        if (rests) continue;
        missing = subject + " is in " + saga->at("state").get<std::string>() +
                  (saga->at("incident").is_null() ? "" : ", incident: " + saga->at("incident").get<std::string>());
        return false;
    }
    return true;
}

std::vector<std::string> World::settle(bool ask_a_person) {
    std::vector<std::string> faults;
    std::string missing;
    const auto limit = steady_clock::now() + seconds(60);
    while (!at_rest(ask_a_person, missing)) {
        for (const char* subject : {"orchestrator", "worker"}) {
            if (const auto status = system_.ended(subject))
                faults.push_back(fmt::format("{} ended by itself with status {}", subject, *status));
        }
        if (steady_clock::now() > limit) faults.push_back("not at rest within 60 s: " + missing);
        if (!faults.empty()) break;
        tick();
    }
    // The last readings, flushes and fulfilments may be on their way still.
    std::vector<std::string> effects;
    const auto told = steady_clock::now() + seconds(faults.empty() ? 30 : 0);
    do {
        tick();
        effects.clear();
        judge_effects(walk_, effects);
    } while (!effects.empty() && steady_clock::now() < told);
    faults.insert(faults.end(), effects.begin(), effects.end());
    judge_laws(faults);
    all_.insert(all_.end(), walk_.begin(), walk_.end());
    walk_.clear();
    steps_.clear();
    return faults;
}

std::vector<std::string> World::account() {
    std::vector<std::string> faults;
    judge_effects(all_, faults);
    judge_laws(faults);
    return faults;
}

void World::judge_effects(const std::vector<Placed>& orders, std::vector<std::string>& faults) {
    demo::Testimony testimony;
    testimony.effects = effects_;
    std::vector<demo::PlacedOrder> go_out;
    for (const Placed& placed : orders) {
        const std::string& domain = system_.catalogue().shops[placed.order.plan.shop].domain;
        const json seen = system_.control("/control/stores/" + domain + "/orders/" + placed.order.order_id);
        testimony.store_orders[placed.order.key(system_.catalogue())] = seen.at("order");
        if (placed.goes_out) go_out.push_back(placed.order);
    }
    const json in_warehouse = system_.control("/control/warehouses/main/orders");
    for (const json& order : in_warehouse.at("orders"))
        testimony.warehouse_orders.push_back(order);
    const json depot = system_.control("/control/warehouses/main");
    for (const json& product : depot.at("products"))
        testimony.fulfillable[product.at("sku")] = product.at("fulfillable");
    for (const demo::Shop& shop : system_.catalogue().shops) {
        const json store = system_.control("/control/stores/" + shop.domain);
        for (const json& level : store.at("levels"))
            testimony.shown[shop.key][level.at("sku")] = level.at("available");
    }
    demo::Judgement judgement = demo::judge(system_.catalogue(), go_out, testimony);
    for (auto* list : {&judgement.mismatches, &judgement.unequal_listings})
        faults.insert(faults.end(), list->begin(), list->end());
    for (const std::string& order : judgement.untold_stores)
        faults.push_back(order + ": shipped, and its store was not told");
    for (const Placed& placed : orders) {
        const std::string beginning = placed.order.key(system_.catalogue()) + ".";
        for (const json& order : testimony.warehouse_orders) {
            if (!placed.goes_out && order.at("status") != "Cancelled" &&
                order.at("reference").get<std::string>().starts_with(beginning))
                faults.push_back(placed.order.subject(system_.catalogue()) + ": in the warehouse, and should not be");
        }
    }
    const json effects = system_.control("/control/summary").at("effects");
    for (const char* none : {"duplicate_fulfillments", "duplicate_store_fulfillments", "oversold_units"}) {
        if (const auto count = effects.value(none, std::int64_t{0}); count != 0)
            faults.push_back(fmt::format("{}: {}", none, count));
    }
}

void World::judge_laws(std::vector<std::string>& faults) {
    const runtime::CommandEnd end = system_.sagactl({"verify", "--json"});
    demo::Account account;
    if (!demo::read_laws(end.output, account) || account.laws.size() != 11)
        faults.push_back("sagactl verify gave no answer: " + end.output.substr(0, 500));
    for (const auto& [law, holds] : account.laws) {
        if (!holds) faults.push_back(law + " is broken");
    }
    faults.insert(faults.end(), account.law_findings.begin(), account.law_findings.end());
}

}  // namespace ordersaga::crash
