#include "tests/chaos/faults/each_fault.hpp"

#include "tests/support/environment.hpp"

#include <fmt/format.h>

#include <iostream>

namespace ordersaga::chaos {
namespace {

// More than all tests together take.
constexpr std::int64_t orders = 9'000;
constexpr double orders_per_second = 4;

// Judged as a whole when the last test is over: what each test alone cannot see.
class TheShop : public ::testing::Environment {
public:
    AShop& get() {
        if (!shop_) shop_ = std::make_unique<AShop>(7, orders, orders_per_second, "faults");
        return *shop_;
    }
    void TearDown() override {
        if (!shop_) return;
        const demo::Account account = shop_->conclude();
        std::cout << demo::text_of(account, shop_->profile) << std::endl;
        for (const std::string& failure : demo::failures_of(account, shop_->profile))
            ADD_FAILURE() << failure;
        std::cout << "well again\n" << table_of(recoveries) << std::endl;
        shop_.reset();
    }

    std::vector<Recovery> recoveries;

private:
    std::unique_ptr<AShop> shop_;
};

auto* const the_shop = dynamic_cast<TheShop*>(::testing::AddGlobalTestEnvironment(new TheShop));

}  // namespace

AShop& EachFault::shop() {
    return the_shop->get();
}

void EachFault::SetUp() {
    if (const std::string missing = what_is_missing(); !missing.empty()) GTEST_FAIL() << missing;
    faults_ = all_faults(shop().victims);
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(20));
}

void EachFault::TearDown() {
    shop().links.heal_all();
    wait_for_servers();
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(30));
    const db::Instant then = shop().observer.now();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(shop().wait_until([&] { return shop().observer.unsettled_since(then) == 0; }, settling))
        << "sagas do not settle: " << shop().observer.names_of_unsettled(then);
    std::cout << "settled after " << std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()
              << " s" << std::endl;
    for (const std::string& breach : shop().breaches())
        ADD_FAILURE() << breach;
}

void EachFault::spoil(const std::string& fault, milliseconds length, const std::function<void()>& meanwhile) {
    const Ending ending = fault_named(faults_, fault).begin(random_);
    shop().go_on_for(length / 2);
    meanwhile();
    shop().go_on_for(length / 2);
    ending();
}

void EachFault::spoil_links(const std::string& what, const std::string& end, milliseconds length) {
    std::vector<Ending> endings;
    for (const std::string& link : shop().links.names_to(end))
        endings.push_back(fault_named(faults_, what + ", " + link).begin(random_));
    ASSERT_FALSE(endings.empty()) << "no link" << end;
    shop().go_on_for(length);
    for (const Ending& ending : endings)
        ending();
}

void EachFault::expect_red(const std::string& program, const std::string& part, milliseconds within) {
    demo::Caller::Reply seen;
    EXPECT_TRUE(shop().wait_until(
        [&] {
            seen = shop().system.readiness(program);
            if (part.empty()) return seen.status != 200;
            return seen.status == 503 && seen.body.find(part) != std::string::npos;
        },
        within))
        << program << " says " << seen.status << " " << seen.body;
}

void EachFault::expect_green(const std::string& program, milliseconds within) {
    demo::Caller::Reply seen;
    EXPECT_TRUE(shop().wait_until(
        [&] {
            seen = shop().system.readiness(program);
            return seen.status == 200;
        },
        within))
        << program << " says " << seen.status << " " << seen.body;
}

void EachFault::wait_for_servers() {
    ASSERT_TRUE(shop().wait_until([] { return !shop().system.restarting(); }, seconds(90)));
}

double EachFault::seconds_until_outcome(milliseconds longest) {
    const db::Instant then = shop().observer.now();
    std::optional<db::Instant> moved;
    EXPECT_TRUE(
        shop().wait_until([&] { return (moved = shop().observer.first_outcome_after(then)).has_value(); }, longest));
    return moved ? std::chrono::duration<double>(*moved - then).count() : 1e9;
}

double EachFault::seconds_until_step(milliseconds longest) {
    const db::Instant then = shop().observer.now();
    std::optional<db::Instant> moved;
    EXPECT_TRUE(
        shop().wait_until([&] { return (moved = shop().observer.first_step_after(then)).has_value(); }, longest));
    return moved ? std::chrono::duration<double>(*moved - then).count() : 1e9;
}

bool EachFault::once_is_enough() {
    return !test::variable("ORDERSAGA_CHAOS_ONCE").empty();
}

void EachFault::expect_well_again(const std::string& what, double took) {
    std::cout << fmt::format("{}: well again after {:.2f} s", what, took) << std::endl;
    the_shop->recoveries.push_back({what, took});
    EXPECT_LE(took, longest_recovery(what)) << what;
}

}  // namespace ordersaga::chaos
