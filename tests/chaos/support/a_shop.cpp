#include "tests/chaos/support/a_shop.hpp"

#include "runtime/child_process.hpp"
#include "sandbox/demo/fault_plan.hpp"
#include "tests/support/environment.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <iostream>
#include <set>

namespace ordersaga::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Only a file system of its own may be filled.
std::filesystem::path ballast_in(const std::filesystem::path& place) {
    struct stat inside {
    }, outside{};
    const std::filesystem::path real = std::filesystem::canonical(place);
    if (::stat(real.c_str(), &inside) != 0 || ::stat(real.parent_path().c_str(), &outside) != 0) return {};
    return inside.st_dev == outside.st_dev ? std::filesystem::path() : real / "ballast";
}

Victims victims_of(demo::System& system, Links& links) {
    const std::map<std::string, std::string> addresses = system.addresses();
    return {
        system,
        links,
        addresses.at("ORDERSAGA_ADMIN_DSN"),
        addresses.at("ORDERSAGA_AMQP_URL"),
        addresses.at("ORDERSAGA_AMQP_PREFIX"),
        ballast_in(std::filesystem::path(test::variable("ORDERSAGA_SERVERS_DIR")) / "postgresql")};
}

demo::FaultProfile calm_profile() {
    demo::FaultProfile profile = demo::fault_profile("none", {});
    profile.name = "chaos";
    profile.incident_share_allowed = 0.01;
    return profile;
}

}  // namespace

std::string what_is_missing() {
    if (test::variable("ORDERSAGA_BIN").empty() || test::variable("ORDERSAGA_SERVERS_DIR").empty())
        return "run ./dev test chaos, which builds the programs and starts servers";
    return {};
}

demo::Options AShop::make_options(std::uint64_t seed, std::int64_t orders, const std::string& folder) {
    demo::Options options;
    options.orders = orders;
    options.seed = seed;
    options.faults = "none";
    options.orchestrators = 2;
    options.workers = 2;
    options.notifier = true;
    options.patience_seconds = 60;
    options.bin = test::variable("ORDERSAGA_BIN");
    options.servers_env = test::variable("ORDERSAGA_SERVERS_DIR") + "/env";
    options.directory = std::filesystem::absolute(".run/chaos") / folder;
    return options;
}

AShop::AShop(std::uint64_t seed, std::int64_t orders, double orders_per_second, const std::string& folder)
    : options(make_options(seed, orders, folder)),
      links(seed),
      system(options, demo::make_catalogue(orders, options.stores, seed), calm_profile().world, links.between()),
      profile(calm_profile()),
      victims(victims_of(started(), links)),
      observer(system.addresses().at("ORDERSAGA_ENGINE_DSN")),
      progress(system),
      driver(system, profile, seed, orders_per_second) {
    driver.begin(demo::plan_orders(system.catalogue(), orders, seed));
}

demo::System& AShop::started() {
    std::filesystem::create_directories(options.directory);
    system.start([](const std::string& step) { std::cout << "- " << step << std::endl; });
    return system;
}

bool AShop::tick() {
    const bool more = driver.step(progress);
    runtime::pause(milliseconds(20));
    return more;
}

bool AShop::wait_until(const std::function<bool()>& condition, milliseconds longest) {
    const auto limit = steady_clock::now() + longest;
    do {
        tick();
        try {
            if (condition()) return true;
        } catch (const db::DatabaseError&) {
        }
    } while (steady_clock::now() < limit);
    return false;
}

void AShop::go_on_for(milliseconds length) {
    wait_until([] { return false; }, length);
}

std::vector<std::string> AShop::breaches() {
    std::vector<std::string> found;
    const nlohmann::json summary = system.control("/control/summary");
    for (const char* effect : {"duplicate_fulfillments", "duplicate_store_fulfillments", "oversold_units"}) {
        const auto count = summary.at("effects").value(effect, std::int64_t{0});
        if (count != 0) found.push_back(fmt::format("{} {}", count, effect));
    }
    demo::Account account;
    const runtime::CommandEnd end = system.sagactl({"verify", "--json"});
    if (!demo::read_laws(end.output, account)) found.push_back("sagactl verify: " + end.output.substr(0, 500));
    // L8 is for when inputs have stopped.
    for (const std::string& finding : account.law_findings) {
        if (!finding.starts_with("L8 ")) found.push_back(finding);
    }
    for (const std::string& crash : system.crashes())
        found.push_back(crash);
    return found;
}

demo::Account AShop::conclude() {
    return demo::conclude(system, driver, progress, options);
}

std::int64_t AShop::told_completed(std::int64_t wanted) {
    const auto limit = steady_clock::now() + seconds(60);
    while (true) {
        driver.read_ledger();
        std::set<std::string> events;
        for (const nlohmann::json& effect : driver.effects()) {
            if (effect.at("kind") == "webhook_received" && effect.at("reference") == "orders.completed")
                events.insert(effect.at("key"));
        }
        const auto told = static_cast<std::int64_t>(events.size());
        if (told >= wanted || steady_clock::now() >= limit) return told;
        system.supervise();
        runtime::pause(milliseconds(200));
    }
}

}  // namespace ordersaga::chaos
