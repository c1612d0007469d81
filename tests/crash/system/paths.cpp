#include "tests/crash/system/paths.hpp"

#include <csignal>
#include <memory>

namespace ordersaga::crash {
namespace {

using std::chrono::milliseconds;
using Wish = World::Wish;

void nothing(World&) {}
void nobody(World&, const std::string&) {}

Wish of(const std::string& sku, std::int64_t quantity = 1, std::size_t shop = 0) {
    Wish wish;
    wish.shop = shop;
    wish.lines = {{sku, quantity}};
    return wish;
}

bool requested(const World& world, const Placed& order) {
    return world.happened("warehouse_order_created", order.reference());
}

// Nothing leaves before somebody says so: a cancel is in time however long the dead take to come back.
void nothing_is_picked(World& world) {
    world.warehouse({{"ships_by_itself", false}});
}

void everything_is_picked(World& world) {
    world.warehouse({{"ships_by_itself", true}});
}

void plain_orders(World& world, const std::string&) {
    Wish two_lines = of("SHIRT-02", 2, 1);
    two_lines.lines.push_back({"SHIRT-03", 1});
    world.place({of("SHIRT-01"), two_lines, of("BUNDLE-A", 1, 1)});
}

void out_of_stock(World& world, const std::string&) {
    Wish wish = of("GONE-01");
    wish.oversell = true;  // two stores sold the last one
    wish.goes_out = false;
    world.place({wish});
}

void cancelled_before_it_is_requested(World& world, const std::string&) {
    Wish wish = of("SHIRT-01");
    wish.paid = false;
    const Placed order = world.place({wish}).front();
    world.later(World::after(milliseconds(300), [&world, order] {
        world.change(order, "cancel");
        return true;
    }));
}

void cancelled_at_the_warehouse(World& world, const std::string&) {
    const Placed order = world.place({of("SHIRT-02")}).front();
    world.later([&world, order] {
        if (!requested(world, order)) return false;
        world.change(order, "cancel");
        return true;
    });
}

void cancelled_too_late(World& world, const std::string&) {
    const Placed order = world.place({of("SHIRT-02")}).front();
    world.later([&world, order] {
        if (!requested(world, order)) return false;
        world.system().control("POST", "/control/warehouses/main/pick", {{"reference", order.reference()}});
        world.change(order, "cancel");
        world.later(World::after(milliseconds(800), [&world] {
            everything_is_picked(world);
            return true;
        }));
        return true;
    });
}

void edited(World& world, const std::string&) {
    const std::vector<Placed> orders = world.place({of("SHIRT-01"), of("SHIRT-03", 2)});
    const auto edit = [&world](const Placed& order, const std::string& sku, std::int64_t quantity) {
        world.change(order, "edit", {{"lines", json::array({{{"sku", sku}, {"quantity", quantity}}})}});
    };
    world.later([&world, edit, orders] {
        if (!requested(world, orders[0]) || !requested(world, orders[1])) return false;
        edit(orders[0], "SHIRT-01", 3);
        edit(orders[1], "SHIRT-03", 1);
        world.later(World::after(milliseconds(800), [&world] {
            everything_is_picked(world);
            return true;
        }));
        return true;
    });
}

void backordered(World& world, const std::string&) {
    Wish wish = of("SOON-01");
    wish.oversell = true;
    const Placed order = world.place({wish}).front();
    world.later([&world, order] {
        if (world.state_of(order) != "Backordered") return false;
        world.system().control("PUT", "/control/warehouses/main/stock", {{"sku", "SOON-01"}, {"delta", 1}});
        return true;
    });
}

void in_parts(World& world, const std::string&) {
    world.warehouse({{"split_fraction", 1.0}});
    world.place({of("SHIRT-01", 2)});
}

void held_and_released(World& world, const std::string&) {
    Wish wish = of("SHIRT-03");
    wish.paid = false;
    const Placed order = world.place({wish}).front();
    world.later([&world, order] {
        if (!world.operate("hold", order)) return false;
        world.change(order, "pay");
        world.later(World::after(milliseconds(200), [&world, order] { return world.operate("release", order); }));
        return true;
    });
}

void compensated(World& world, const std::string&) {
    Wish wish = of("SHIRT-01");
    wish.goes_out = false;
    const Placed order = world.place({wish}).front();
    world.later([&world, order] {
        if (world.state_of(order) != "FulfillmentRequested") return false;
        // It may be done and the answer lost: from now on it is repeated, wherever the order is.
        world.later([&world, order] { return world.operate("compensate", order); });
        return true;
    });
}

void read_first(World& world, const std::string&) {
    world.place({of("SHIRT-04"), of("SHIRT-04", 2, 1)});
}

// The store applies what it is told, and nobody hears of it.
void flush_with_unknown_outcome(World& world, const std::string&) {
    world.faults({{"shopify", {{"reset_after", 1.0}}}});
    world.place({of("SHIRT-01"), of("SHIRT-02", 1, 1)});
    world.later(World::after(milliseconds(1'000), [&world] {
        world.faults({{"shopify", json::object()}});
        return true;
    }));
}

void request_with_unknown_outcome(World& world, const std::string&) {
    world.faults({{"shipbob", {{"reset_after", 1.0}}}});
    const Placed order = world.place({of("SHIRT-03")}).front();
    // Who died before it was sent looks first, and no look is answered either.
    const auto longest = std::chrono::steady_clock::now() + milliseconds(3'000);
    world.later([&world, order, longest] {
        if (!requested(world, order) && std::chrono::steady_clock::now() < longest) return false;
        world.faults({{"shipbob", json::object()}});
        return true;
    });
}

// What was granted just now is not renewed because a call was refused with it.
void tokens_were_granted_long_ago(World& world) {
    world.sql("UPDATE credentials SET obtained_at = obtained_at - interval '1 minute'");
}

void tokens_renewed(World& world, const std::string&) {
    for (const demo::Shop& shop : world.system().catalogue().shops)
        world.system().control("POST", "/control/stores/" + shop.domain + "/revoke_tokens", json::object());
    world.place({of("SHIRT-01"), of("SHIRT-02", 1, 1)});
    // Who dies while it renews is waited for for half a minute, which passes sooner here.
    world.later(World::after(milliseconds(2'000), [&world] {
        world.sql("UPDATE credentials SET claimed_until = claimed_until - interval '30 seconds'");
        return true;
    }));
}

void commands_lost_before_they_were_published(World& world) {
    world.start("orchestrator", world.logged("orchestrator", "engine.before_publish:2"));
    world.place({of("SHIRT-01"), of("SHIRT-02", 1, 1)});
    if (world.await_end("orchestrator", std::chrono::seconds(20)) != 137)
        throw std::runtime_error("no command was given");
}

std::vector<Placed> finished_orders(World& world) {
    const std::vector<Placed> orders = world.place({of("SHIRT-01"), of("SHIRT-02")});
    if (const auto faults = world.settle(false); !faults.empty()) throw std::runtime_error(faults.front());
    return orders;
}

void persons_to_be_forgotten(World& world) {
    const std::vector<Placed> orders = finished_orders(world);
    const runtime::CommandEnd end = world.system().sagactl(
        {"privacy", "erase", "blue", orders[0].order.order_id, orders[1].order.order_id, "--merchant", "Demo Shirts",
         "--reason", "a test"});
    if (end.status != 0) throw std::runtime_error(end.output);
}

// Receipts of last month, and a month of history that nobody needs any more.
void old_rows(World& world) {
    finished_orders(world);
    world.sql(R"sql(
        UPDATE webhook_receipts SET received_at = now() - interval '30 days' WHERE status <> 'parked';
        CREATE TABLE IF NOT EXISTS saga_history_202301 PARTITION OF saga_history
            FOR VALUES FROM ('2023-01-01 00:00:00+00') TO ('2023-02-01 00:00:00+00');
        ALTER TABLE saga_history_202301 OWNER TO ordersaga_owner)sql");
}

void until_nobody_waits_to_be_forgotten(World& world, const std::string&) {
    world.later([&world] { return world.system().sagactl({"privacy", "list"}).output == "nothing is asked for\n"; });
}

void until_they_are_gone(World& world, const std::string&) {
    world.later([&world] { return world.sql("SELECT to_regclass('saga_history_202301') IS NULL") == "t\n"; });
}

void until_it_runs(World& world, const std::string&) {
    world.later(World::after(milliseconds(1'500), [] { return true; }));
}

// Its commands run into their deadlines; what it wakes up with is too late to be sent.
void the_worker_freezes(World& world, const std::string& subject) {
    if (subject == "worker") return plain_orders(world, subject);
    world.system().signal("worker", SIGSTOP);
    plain_orders(world, subject);
    world.later(World::after(milliseconds(4'000), [&world] {
        world.system().signal("worker", SIGCONT);
        return true;
    }));
}

bool set_mode(World& world, const char* mode) {
    return world.system().command("/stores/red/mode", {{"mode", mode}, {"reason", "a test"}}).has_value();
}

void red_is_observed(World& world) {
    for (int tries = 0; !set_mode(world, "observe"); ++tries) {
        if (tries > 200) throw std::runtime_error("red cannot be observed");
        runtime::pause(milliseconds(50));
    }
}

// Observed, then live. What was ordered before is somebody else's business, so its buyer thinks better of it.
void going_live(World& world, const std::string&) {
    Wish observed = of("SHIRT-03", 1, 1);
    observed.goes_out = false;
    const Placed before = world.place({observed}).front();
    world.later([&world, before] {
        if (world.state_of(before) != "FulfillmentRequested") return false;
        world.change(before, "cancel");
        world.later([&world] {
            if (!set_mode(world, "live")) return false;
            world.later(World::after(milliseconds(1'500), [&world] {
                world.place({of("SHIRT-01", 1, 1)});
                return true;
            }));
            return true;
        });
        return true;
    });
}

void told_to_end(World& world, const std::string& subject) {
    const Placed order = world.place({of("SHIRT-01"), of("SHIRT-02", 1, 1)}).front();
    // Not the next one, should this one be dead by then.
    world.later([&world, order, subject, start = world.starts(subject)] {
        if (world.starts(subject) != start) return true;
        if (!requested(world, order)) return false;
        world.system().signal(subject, SIGTERM);
        return true;
    });
}

}  // namespace

const std::vector<Path>& paths() {
    static const std::vector<std::string> orchestrator{"orchestrator"}, both{"orchestrator", "worker"};
    static const std::vector<Path> all{
        {"order", nothing, plain_orders, false, false, false, both},
        {"start", nothing, until_it_runs, true, false, false, orchestrator},
        {"end", nothing, told_to_end, false, false, true, both},
        {"out of stock", nothing, out_of_stock},
        {"cancelled before it is requested", nothing, cancelled_before_it_is_requested},
        {"cancelled at the warehouse", nothing_is_picked, cancelled_at_the_warehouse},
        {"cancelled too late", nothing_is_picked, cancelled_too_late, false, true},
        {"edited", nothing_is_picked, edited},
        {"backordered then granted", nothing, backordered, false, false, false, orchestrator},
        {"in parts", nothing, in_parts},
        {"held and released", nothing, held_and_released},
        {"compensated by an operator", nothing_is_picked, compensated, false, false, false, orchestrator},
        {"stock read first", nothing, read_first},
        {"flush with unknown outcome", nothing, flush_with_unknown_outcome},
        {"request with unknown outcome", nothing, request_with_unknown_outcome},
        {"tokens renewed", tokens_were_granted_long_ago, tokens_renewed, false, false, false, orchestrator},
        {"commands lost before they were published", commands_lost_before_they_were_published, nobody, true, false,
         false, orchestrator},
        {"persons forgotten", persons_to_be_forgotten, until_nobody_waits_to_be_forgotten, true, false, false,
         orchestrator, false},
        {"old rows dropped", old_rows, until_they_are_gone, true, false, false, orchestrator, false},
        {"worker frozen", nothing, the_worker_freezes, false, false, false, orchestrator},
        {"going live", red_is_observed, going_live},
    };
    return all;
}

}  // namespace ordersaga::crash
