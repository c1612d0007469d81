#include "sandbox/demo/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Without limits the machine is the bound; with real ones ShipBob's 150 calls a minute are.
double pace(const Options& options, const FaultProfile& profile) {
    if (options.rate > 0) return options.rate;
    return options.real_limits ? 0.5 : profile.orders_per_second;
}

// What still waits for the restock, and a few more: nobody is left out because two want the last one.
void restock(System& system) {
    const auto stock = system.rest_all("/stock");
    if (!stock) return;
    for (const json& ledger : *stock) {
        const auto waiting = ledger.at("waiting").get<std::int64_t>();
        if (waiting == 0) continue;
        system.control(
            "PUT", "/control/warehouses/" + system.catalogue().warehouse + "/stock",
            {{"sku", ledger.at("sku")}, {"delta", waiting + 3}});
    }
}

struct Rest {
    std::size_t sagas = 0;
    std::size_t open = 0;  // neither final nor stopped by an incident
    std::size_t backordered = 0;
};

std::optional<Rest> look(System& system) {
    const auto sagas = system.rest_all("/sagas");
    if (!sagas) return std::nullopt;
    Rest rest;
    rest.sagas = sagas->size();
    for (const json& saga : *sagas) {
        const bool done = saga.at("final").get<bool>() || !saga.at("incident").is_null();
        rest.open += done ? 0U : 1U;
        rest.backordered += saga.at("state") == "Backordered" ? 1U : 0U;
    }
    return rest;
}

void bear_the_faults(System& system, Driver& driver, Progress& progress, double length) {
    const auto limit = steady_clock::now() + milliseconds(static_cast<std::int64_t>(length * 1000));
    while (steady_clock::now() < limit) {
        system.supervise();
        driver.follow_up();
        progress.show(driver.placed().size(), driver.placed().size());
        runtime::pause(milliseconds(50));
    }
}

// Until every order is final or an incident, or the patience ends. Backorders get their goods on the way.
void wait_for_the_end(System& system, Driver& driver, Progress& progress, const Options& options) {
    const auto limit = steady_clock::now() + milliseconds(static_cast<std::int64_t>(options.patience_seconds * 1000));
    auto next_look = steady_clock::now();
    auto next_restock = steady_clock::now() + seconds(2);
    while (steady_clock::now() < limit) {
        system.supervise();
        driver.follow_up();
        progress.show(driver.placed().size(), driver.placed().size());
        if (steady_clock::now() >= next_look) {
            next_look = steady_clock::now() + milliseconds(500);
            const std::optional<Rest> rest = look(system);
            if (rest && rest->sagas >= driver.placed().size() && rest->open == 0 && !system.restarting()) return;
            if (rest && rest->backordered > 0 && steady_clock::now() >= next_restock) {
                restock(system);
                next_restock = steady_clock::now() + seconds(15);
            }
        }
        runtime::pause(milliseconds(50));
    }
    progress.note("the patience is over, not everything has come to rest");
}

// The last readings and flushes may be on their way still.
Judgement wait_for_the_stores(System& system, Driver& driver, Progress& progress, const Options& options) {
    const auto limit = steady_clock::now() + seconds(options.real_limits ? 240 : 90);
    while (true) {
        driver.follow_up();
        driver.read_ledger();
        const Judgement judgement = judge(system.catalogue(), driver.placed(), hear_sandbox(system, driver.effects()));
        if ((judgement.unequal_listings.empty() && judgement.untold_stores.empty()) || steady_clock::now() >= limit)
            return judgement;
        system.supervise();
        progress.show(driver.placed().size(), driver.placed().size());
        runtime::pause(milliseconds(500));
    }
}

std::vector<double> answer_times(System& system) {
    std::set<std::string> senders;
    for (const Shop& shop : system.catalogue().shops)
        senders.insert(shop.domain);
    std::vector<double> times;
    std::int64_t after = 0;
    std::int64_t size = 0;
    do {
        const json page = system.control("/control/deliveries?limit=10000&after=" + std::to_string(after));
        after = page.at("next_after");
        size = page.at("size");
        for (const json& one : page.at("deliveries")) {
            const bool accepted = one.at("status").get<int>() / 100 == 2;
            if (accepted && senders.contains(one.at("sender")))
                times.push_back(one.at("answered_us").get<double>() / 1000);
        }
    } while (after < size);
    return times;
}

void tell_states(System& system, const std::vector<PlacedOrder>& placed, Account& account) {
    std::map<std::string, json> sagas;
    for (int attempt = 0; attempt < 50; ++attempt) {
        const auto rows = system.rest_all("/sagas");
        const auto incidents = system.rest_all("/incidents");
        const auto summary = system.rest("/summary");
        if (!rows || !incidents || !summary) {
            runtime::pause(milliseconds(200));
            continue;
        }
        for (const json& saga : *rows)
            sagas[saga.at("subject")] = saga;
        account.parked_items = summary->at("parked_items");
        for (const json& incident : *incidents) {
            if (!incident.at("closed_at").is_null()) continue;
            const std::string subject =
                incident.at("subject").is_string() ? incident.at("subject").get<std::string>() : "(no order)";
            account.incidents.push_back(
                {subject, incident.at("cause").get<std::string>() + ": " + incident.at("text").get<std::string>()});
        }
        break;
    }
    for (const PlacedOrder& order : placed) {
        const auto saga = sagas.find(order.subject(system.catalogue()));
        if (saga == sagas.end()) continue;
        ++account.accepted;
        const std::string state = saga->second.at("state");
        ++account.final_states[state];
        if (!saga->second.at("final").get<bool>() && saga->second.at("incident").is_null()) {
            account.unsettled.push_back(order.subject(system.catalogue()) + " in " + state);
        }
    }
}

void tell_laws(System& system, Account& account) {
    const runtime::CommandEnd end = system.sagactl({"verify", "--json"});
    if (!read_laws(end.output, account))
        account.law_findings.push_back("sagactl verify gave no answer: " + end.output.substr(0, 500));
}

}  // namespace

Testimony hear_sandbox(System& system, const std::vector<json>& effects) {
    Testimony testimony;
    testimony.effects = effects;
    for (const Shop& shop : system.catalogue().shops) {
        const json orders = system.control("/control/stores/" + shop.domain + "/orders");
        for (const json& order : orders.at("orders"))
            testimony.store_orders[shop.key + "." + order.at("id").get<std::string>()] = order;
        const json store = system.control("/control/stores/" + shop.domain);
        for (const json& level : store.at("levels"))
            testimony.shown[shop.key][level.at("sku")] = level.at("available");
    }
    const std::string depot_path = "/control/warehouses/" + system.catalogue().warehouse;
    const json orders = system.control(depot_path + "/orders");
    for (const json& order : orders.at("orders"))
        testimony.warehouse_orders.push_back(order);
    const json depot = system.control(depot_path);
    for (const json& product : depot.at("products"))
        testimony.fulfillable[product.at("sku")] = product.at("fulfillable");
    return testimony;
}

Account conclude(System& system, Driver& driver, Progress& progress, const Options& options) {
    Account account;
    account.seed = options.seed;
    account.stores = options.stores;
    account.faults = options.faults;
    wait_for_the_end(system, driver, progress, options);
    account.judgement = wait_for_the_stores(system, driver, progress, options);
    account.seconds = progress.seconds();
    progress.end_line();
    account.submitted = static_cast<std::int64_t>(driver.placed().size());
    account.refused_by_stores = driver.refused_by_stores();
    tell_states(system, driver.placed(), account);
    tell_laws(system, account);
    account.summary = system.control("/control/summary");
    account.faults_injected = count_faults(account.summary, driver.mishaps_done());
    const std::vector<double> accepted = answer_times(system);
    account.accept_p50 = percentile(accepted, 0.5);
    account.accept_p99 = percentile(accepted, 0.99);
    const std::vector<double> requested = request_latencies(system.catalogue(), driver.placed(), driver.effects());
    account.requested_p50 = percentile(requested, 0.5);
    account.requested_p99 = percentile(requested, 0.99);
    account.crashes = system.crashes();
    return account;
}

Account rehearse(System& system, const Options& options, const FaultProfile& profile) {
    Progress progress(system);
    Driver driver(system, profile, options.seed, pace(options, profile));
    system.control("PUT", "/control/faults", faults_on(options.faults));
    driver.place(plan_orders(system.catalogue(), options.orders, options.seed), progress);
    progress.note(fmt::format("{} orders are placed", driver.placed().size()));
    bear_the_faults(system, driver, progress, profile.faults_outlast_orders_by);
    progress.note("faults off, waiting for the end");
    system.control("PUT", "/control/faults", faults_off());
    return conclude(system, driver, progress, options);
}

}  // namespace ordersaga::demo
