// Random real faults over the whole system while orders come in. ORDERSAGA_CHAOS_MINUTES and ORDERSAGA_CHAOS_SEED (1) say how
// long and which; without minutes it is a short one, in which they follow each other sooner.
#include "tests/chaos/support/storm.hpp"

#include "tests/chaos/support/a_shop.hpp"
#include "tests/support/environment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

namespace ordersaga::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double orders_per_second = 5;

double number_in(const char* name, double fallback) {
    const std::string text = test::variable(name);
    return text.empty() ? fallback : std::stod(text);
}

TEST(Chaos, LosesNothingDoublesNothingOversellsNothing) {
    if (const std::string missing = what_is_missing(); !missing.empty()) GTEST_FAIL() << missing;
    const double minutes = number_in("ORDERSAGA_CHAOS_MINUTES", 0);
    const auto seed = static_cast<std::uint64_t>(number_in("ORDERSAGA_CHAOS_SEED", 1));
    runtime::catch_signals();
    StormOptions options;
    options.seed = seed;
    if (minutes > 0) {
        options.length = seconds(static_cast<std::int64_t>(minutes * 60));
    } else {
        options.length = seconds(40);
        options.shortest_pause = milliseconds(1'500);
        options.longest_pause = milliseconds(6'000);
    }
    const auto orders = static_cast<std::int64_t>(static_cast<double>(options.length.count()) * orders_per_second);
    AShop shop(seed, orders, orders_per_second, "storm");
    std::cout << fmt::format("chaos: {} s, seed {}, {} orders", options.length.count(), seed, orders) << std::endl;
    Storm storm(shop.victims, shop.observer, options, [&](const std::string& text) { shop.progress.note(text); });
    shop.system.on_supervise([&] { storm.tick(); });

    while (!storm.over())
        shop.tick();
    while (shop.tick()) {
    }
    shop.progress.note("no more faults; everything has 60 s to settle");
    const double last_fault = shop.progress.seconds();
    const demo::Account account = shop.conclude();
    storm.end();
    const auto completed = account.final_states.find("Completed");
    const std::int64_t to_tell = completed == account.final_states.end() ? 0 : completed->second;
    const std::int64_t told = shop.told_completed(to_tell);

    std::cout << demo::text_of(account, shop.profile);
    std::cout << fmt::format(
        "  at rest      {:.1f} s after the last fault, stores and warehouse included\n", account.seconds - last_fault);
    std::cout << fmt::format("  notifier     told of {} completed orders of {}\n", told, to_tell);
    std::cout << "\nfaults caused\n";
    for (const auto& [name, count] : storm.caused())
        std::cout << fmt::format("  {:4} {}\n", count, name);
    std::cout << "well again\n" << table_of(storm.recoveries());
    for (const Recovery& recovery : storm.recoveries()) {
        if (recovery.alone) {
            EXPECT_LE(recovery.seconds, longest_recovery(recovery.what)) << recovery.what;
        }
    }
    const std::string length = minutes > 0 ? fmt::format(" --minutes {}", minutes) : "";
    std::cout << fmt::format("the same again: ./dev test chaos{} --seed {}", length, seed) << std::endl;
    EXPECT_FALSE(storm.caused().empty());
    EXPECT_EQ(told, to_tell) << "what became of an order was not told, or told as two events";
    for (const std::string& failure : demo::failures_of(account, shop.profile))
        ADD_FAILURE() << failure;
}

}  // namespace
}  // namespace ordersaga::chaos
