#include "tests/simulation/scenario.hpp"

#include "sagas/activities.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/meddling.hpp"

#include <algorithm>
#include <tuple>

namespace ordersaga::simulation {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
namespace activity = sagas::activity;

namespace {

constexpr Duration buyers_last = minutes(4);
constexpr Duration faults_last = minutes(7);
constexpr Duration calm_lasts = minutes(90);

// How patient the engine is and how often it looks.
struct Temper {
    Settings settings;
    Duration keys_live = hours(24);  // at the shops
    bool hours_away = false;
    std::string text;
};

Temper draw_temper(const Options& options) {
    Draw draw(options.seed, 1'000'000);
    Temper temper;
    sagas::OrderSagaSettings& saga = temper.settings.saga;
    saga.late_checks = {minutes(1), minutes(4), minutes(12)};
    saga.watch_interval = minutes(draw.between(2, 10));
    saga.delivery_assumed = minutes(8);
    saga.policies = sagas::default_policies();
    const bool patient = draw.chance(0.5);
    for (const std::string_view name :
         {activity::request_fulfillment, activity::cancel_fulfillment, activity::create_store_fulfillment,
          activity::settle_store_order}) {
        sagas::ActivityPolicy& policy = saga.policies.at(std::string(name));
        policy.max_attempts = patient ? 100 : 3;
        policy.max_interval = seconds(patient ? 15 : 5);
    }
    // The engine gives up on a key before its peer forgets it.
    if (draw.chance(0.5)) {
        saga.policies.at(std::string(activity::flush_stock)).schedule_to_close = minutes(3);
        temper.keys_live = minutes(5);
    }
    temper.hours_away = draw.chance(0.06) && !options.lacks(name_of(Fault::peer_away_for_hours));
    orders::OrderParticipantSettings& participant = temper.settings.participant;
    participant.poll_orders_overlap = minutes(2);
    if (temper.hours_away) {
        participant.poll_orders_every = participant.poll_fulfillments_every = minutes(10);
        participant.poll_orders_overlap = minutes(15);
        participant.poll_fulfillments_overlap = minutes(1);
        participant.read_stock_every = minutes(5);
        participant.mirror_fresh_for = minutes(6);
        participant.quiet_reads_every = minutes(1);
    }
    // Mostly none: who is woken in a batch of its own may have gone on by then.
    if (!draw.chance(0.2))
        participant.woken_at_once = static_cast<std::size_t>(draw.chance(0.9) ? 0 : draw.between(1, 3));
    temper.text = std::string(patient ? "patient" : "impatient") +
                  " watch=" + runtime::format_duration(saga.watch_interval) +
                  " keys=" + runtime::format_duration(temper.keys_live);
    return temper;
}

}  // namespace

class Scenario::Planner {
public:
    Planner(World& world, const Options& options, const Temper& temper)
        : world_(world),
          options_(options),
          temper_(temper),
          draw_(options.seed, 0),
          people_(world),
          meddling_(world, people_) {
        fill_catalogue();
        plan_buyers();
        plan_races();
        plan_growth();
        plan_late_arrivals();
        plan_exceptions();
        plan_meddling();
        plan_warehouse();
        plan_outages();
        plan_deaths();
        plan_operators();
        plan_calm();
    }

    Instant calm_at = World::start_time + faults_last;
    Instant end = calm_at + calm_lasts;
    int events = 0;
    std::string text;

private:
    Agenda& agenda() { return world_.agenda(); }

    // One event of the scenario, unless the options are without it.
    template <class Plan>
    void event(const char* what, const Plan& plan) {
        const int number = ++events;
        if (options_.lacks("e" + std::to_string(number))) return;
        world_.trace().line("e" + std::to_string(number) + " " + what);
        plan(std::make_shared<Draw>(options_.seed, static_cast<std::uint64_t>(number)));
    }
    Instant moment(Draw& draw, Duration from = seconds(5), Duration until = faults_last) {
        return World::start_time + draw.time_between(from, until);
    }

    void fill_catalogue() {
        world_.add_sku({sagas::SkuId{1}, "SHIRT", "deny", "trust-mirror", 0, draw_.between(3, 10), {}});
        world_.add_sku({sagas::SkuId{2}, "MUG", "deny", "trust-mirror", draw_.between(0, 1), draw_.between(4, 12), {}});
        world_.add_sku({sagas::SkuId{3}, "CAP", "backorder", "trust-mirror", 0, draw_.between(0, 4), {}});
        world_.add_sku({sagas::SkuId{4}, "PRINT", "deny", "ask-warehouse-first", 0, draw_.between(2, 7), {}});
        world_.add_sku(
            {sagas::SkuId{5}, "SET", "deny", "trust-mirror", 0, 0, {{sagas::SkuId{1}, 1}, {sagas::SkuId{2}, 2}}});
        std::vector<std::string> keys = {"eu", "us", "uk", "jp"};
        keys.resize(2 + draw_.below(3));
        for (const std::string& key : keys) {
            const std::string policy = draw_.chance(0.5) ? "hold_and_tell" : "cancel_and_refund";
            Shop& shop = world_.add_shop(key, policy, minutes(draw_.between(2, 6)));
            shop.remember_keys_for(temper_.keys_live, [this] { world_.weather().strikes(Fault::key_forgotten); });
            text += " " + key + "=" + policy;
        }
        // Most shops begin with the right figure, some with a stale one.
        world_.list_all([this](const Shop&, const StockedSku& sku) {
            std::int64_t units = sku.opening;
            if (!sku.components.empty()) units = std::min(world_.skus()[0].opening, world_.skus()[1].opening / 2);
            return std::max<std::int64_t>(0, units + (draw_.chance(0.2) ? draw_.between(-2, 2) : 0));
        });
        for (const auto& shop : world_.shops())
            shop->add_item({"59999", "69999", "LOOSE", 5, false, false});
        const int hosts = static_cast<int>(2 + draw_.below(2)), workers = static_cast<int>(2 + draw_.below(3));
        world_.start(hosts, workers);
        text += " engines=" + std::to_string(hosts) + " workers=" + std::to_string(workers) + " stock=";
        for (const StockedSku& sku : world_.skus())
            text += std::to_string(sku.opening) + (sku.components.empty() ? "," : "");
    }

    // --- buyers and staff

    // The order's id; empty: turned away.
    std::string buy(Shop& shop, const People::Basket& lines, const Drawn& draw) {
        Sale sale;
        sale.paid = !draw->chance(0.12);
        sale.digital = draw->chance(0.03);
        if (draw->chance(0.02)) sale.ship_method = "By air";
        sale.with_address = !draw->chance(0.02);
        const std::string order = shop.place(lines, sale);
        world_.trace().line(shop.key() + (order.empty() ? " turns a buyer away" : " takes order " + order));
        if (!order.empty()) plan_sequel(shop, order, sale.paid, draw);
        return order;
    }

    void plan_sequel(Shop& shop, const std::string& order, bool paid, const Drawn& draw) {
        Shop* place = &shop;
        if (!paid && draw->chance(0.7)) {
            const Duration soon = draw->chance(0.5) ? Duration(seconds(5)) : Duration(minutes(2));
            agenda().after(draw->time_between(Duration{0}, soon), [place, order] { place->pay(order); });
        }
        if (draw->chance(0.2)) {
            const bool restock = draw->chance(0.5);
            agenda().after(sometime(*draw), [place, order, restock] { place->cancel(order, restock); });
        }
        if (draw->chance(0.12)) {
            const bool restock = draw->chance(0.5);
            agenda().after(sometime(*draw), [place, order, restock] { place->refund(order, 0, 1, restock); });
        }
        if (draw->chance(0.03)) agenda().after(sometime(*draw), [place, order] { place->send_elsewhere(order); });
        // Staff add to orders at any time, most of all when it is too late to change what was asked for.
        for (int more = draw->chance(0.2) ? (draw->chance(0.3) ? 2 : 1) : 0; more > 0; --more) {
            agenda().after(sometime(*draw), [this, place, order, draw] {
                people_.act(draw->chance(0.2) ? Deed::adds_beyond_stock : Deed::adds, *place, order, *draw);
            });
        }
        if (draw->chance(0.15)) plan_operator_for(shop, order, draw);
    }

    Duration sometime(Draw& draw) {
        const Duration most = draw.chance(0.35)  ? Duration(seconds(3))
                              : draw.chance(0.5) ? Duration(seconds(60))
                                                 : Duration(minutes(4));
        return draw.time_between(Duration{0}, most);
    }

    void plan_buyers() {
        for (std::int64_t i = draw_.between(20, 38); i > 0; --i) {
            event("buyer", [this](const Drawn& draw) {
                const Instant when = moment(*draw, seconds(2), buyers_last);
                Shop& shop = *draw->one_of(world_.shops());
                agenda().at(when, [this, &shop, draw] { buy(shop, people_.basket(shop, *draw), draw); });
            });
        }
    }

    // The same product, every shop, the same moment.
    void plan_races() {
        for (int race = 0; race < 2; ++race) {
            event("race", [this](const Drawn& draw) {
                const Instant when = moment(*draw, seconds(20), buyers_last);
                const std::string sku = draw->one_of(world_.skus()).name;
                for (const auto& shop : world_.shops()) {
                    agenda().at(when, [this, shop = shop.get(), sku, draw] {
                        for (const auto& [id, item] : shop->items()) {
                            if (item.sku != sku) continue;
                            buy(*shop, {{item.variant_id, 1}}, draw);
                            return;
                        }
                    });
                }
            });
        }
    }

    // An order to which something is added when the warehouse has begun to pick it, so that it gets parts; and then more
    // happens to it.
    void plan_growth() {
        for (int i = 0; i < 4; ++i) {
            event("growing order", [this](const Drawn& draw) {
                const Instant when = moment(*draw, seconds(2), buyers_last);
                Shop& shop = *draw->one_of(world_.shops());
                agenda().at(when, [this, &shop, draw] {
                    const std::string order = shop.place(people_.basket(shop, *draw));
                    if (!order.empty()) grow(shop, order, draw, 120);
                });
            });
        }
    }

    void grow(Shop& shop, const std::string& order, const Drawn& draw, int looks) {
        const std::string prefix = prefix_of(shop, order);
        for (const auto& [reference, placed] : world_.warehouse().orders()) {
            if (!placed.picking || placed.cancelled || !reference.starts_with(prefix)) continue;
            Meddling::Story story{&shop, order, sequel(prefix, *draw), draw};
            meddling_.add(std::move(story));
            return people_.act(draw->chance(0.3) ? Deed::adds_beyond_stock : Deed::adds, shop, order, *draw);
        }
        if (looks > 0)
            agenda().after(
                milliseconds(700), [this, &shop, order, draw, looks] { grow(shop, order, draw, looks - 1); });
    }

    // A request that arrives when the order has been given up, and then cannot be called back, or only in vain.
    void plan_late_arrivals() {
        event("late arrival", [this](const Drawn& draw) {
            if (!draw->chance(0.5)) return;
            const Instant when = moment(*draw, seconds(2), minutes(2));
            Shop& shop = *draw->one_of(world_.shops());
            agenda().at(when, [this, &shop, draw] {
                const std::string order = shop.place(people_.basket(shop, *draw));
                if (order.empty()) return;
                const std::string prefix = prefix_of(shop, order);
                world_.warehouse().obstruct(prefix + "1.");
                if (draw->chance(0.7)) world_.warehouse().stall_late_cancels(prefix + "1.");
                meddling_.add(Meddling::Story{&shop, order, {{"NeedsOperator", Deed::ends}}, draw});
            });
        });
    }

    // What happens to an order that has grown, the first at the back.
    std::vector<Meddling::Act> sequel(const std::string& prefix, Draw& draw) {
        static const std::vector<Deed> ends = {Deed::ends, Deed::cancels, Deed::refuses};
        if (draw.chance(0.25)) return {{"", draw.one_of(ends)}, {"", Deed::loses}};
        if (draw.chance(0.35)) {
            // Its newest part is being cancelled for long, and the others go out meanwhile.
            world_.warehouse().stall_cancels(prefix + "2.");
            return {{"accepted", draw.chance(0.5) ? Deed::ends : Deed::adds}};
        }
        if (draw.chance(0.45)) {
            // What was added is taken back in doubt, and something else is added that has to wait for its stock.
            world_.warehouse().obstruct(prefix + "2.");
            return {
                {"cancelled", Deed::adds_beyond_stock},
                {"NeedsOperator", Deed::retries},
                {"NeedsOperator", Deed::takes_addition_back}};
        }
        if (draw.chance(0.7)) {
            // Nobody hears of what was added until long after somebody has given it up.
            world_.warehouse().obstruct(prefix + "2.");
            static const std::vector<Deed> meanwhile = {Deed::adds, Deed::adds_beyond_stock, Deed::ends, Deed::pays};
            return {
                {"NeedsOperator", draw.chance(0.6) ? Deed::ends : Deed::retries}, {"wanted", draw.one_of(meanwhile)}};
        }
        static const std::vector<std::string> stages = {"",       "reserved", "backordered", "wanted",
                                                        "wanted", "accepted", "accepted",    "NeedsOperator"};
        std::vector<Meddling::Act> acts;
        for (std::size_t more = 1 + draw.below(3); more > 0; --more)
            acts.push_back({draw.one_of(stages), static_cast<Deed>(draw.below(deed_count))});
        return acts;
    }

    // An order that is not paid, and perhaps holds what we do not know: an operator lets it go before all is well.
    void plan_exceptions() {
        for (int i = 0; i < 2; ++i) {
            event("exception", [this](const Drawn& draw) {
                if (!draw->chance(0.4)) return;
                const Instant when = moment(*draw, seconds(2), buyers_last);
                Shop& shop = *draw->one_of(world_.shops());
                agenda().at(when, [this, &shop, draw] {
                    People::Basket lines = people_.basket(shop, *draw);
                    const bool unmapped = draw->chance(0.4);
                    if (unmapped) lines.emplace_back("59999", 1);
                    Sale sale;
                    sale.paid = false;
                    const std::string order = shop.place(lines, sale);
                    if (order.empty()) return;
                    const auto let_go = [this, &shop, order](const char* reason) {
                        people_.tell(shop, order, {"HoldReleased", {{"reason", reason}}, ""});
                    };
                    const Duration first = draw->time_between(seconds(1), seconds(8));
                    agenda().after(first, [let_go, unmapped] { let_go(unmapped ? "unmapped" : "unpaid"); });
                    const Duration soon = draw->chance(0.5) ? Duration(milliseconds(400)) : Duration(seconds(6));
                    agenda().after(
                        first + draw->time_between(milliseconds(1), soon), [&shop, order] { shop.pay(order); });
                });
            });
        }
    }

    void plan_meddling() {
        // Pairs that chance seldom brings together.
        static const std::vector<std::pair<const char*, Deed>> rare = {
            {"ChannelsSynced", Deed::sends_elsewhere},
            {"Reserved", Deed::holds},
            {"CancellingFulfillment", Deed::adds},
            {"NeedsOperator", Deed::adds},
            {"NeedsOperator", Deed::loses},
            {"ChannelsSynced", Deed::holds}};
        static const std::vector<std::string> states = {
            "Received",
            "Reserved",
            "ChannelsSynced",
            "ChannelsSynced",
            "FulfillmentRequested",
            "FulfillmentRequested",
            "Shipped",
            "Completed",
            "OnHold",
            "OnHold",
            "Backordered",
            "NeedsOperator",
            "NeedsOperator",
            "CancellingFulfillment",
            "CancellingFulfillment",
            "RevertingChannels",
            "SettlingOrder",
            "Compensated",
            "OutOfStock"};
        event("meddling at levels", [this](const Drawn& draw) {
            if (draw->chance(0.75)) meddling_.hold_at_levels(draw, 16);
        });
        // Staff change what the warehouse has stopped.
        event("meddling with trouble", [this](const Drawn& draw) {
            if (!draw->chance(0.4)) return;
            meddling_.add(Meddling::Habit{"FulfillmentRequested", Deed::gets_into_trouble, draw});
            const Deed deed = draw->chance(0.5) ? Deed::adds : Deed::adds_beyond_stock;
            meddling_.add(Meddling::Habit{"NeedsOperator", deed, draw, 5});
        });
        for (int i = 0; i < 4; ++i) {
            event("meddling", [this](const Drawn& draw) {
                std::string state = draw->one_of(states);
                Deed deed = static_cast<Deed>(draw->below(deed_count));
                if (draw->chance(0.25)) std::tie(state, deed) = draw->one_of(rare);
                meddling_.add(Meddling::Habit{state, deed, draw});
                text += " " + state + "/" + name_of(deed);
            });
        }
    }

    // --- operators

    // Holds it and lets it go again, or ends it.
    void plan_operator_for(Shop& shop, const std::string& order, const Drawn& draw) {
        const auto plan = [&](Duration when, Deed deed) {
            agenda().after(when, [this, place = &shop, order, deed, draw] { people_.act(deed, *place, order, *draw); });
        };
        const Duration first = sometime(*draw);
        if (draw->chance(0.4)) return plan(first, Deed::ends);
        plan(first, Deed::holds);
        if (draw->chance(0.2)) plan(first + seconds(1), Deed::holds);
        if (draw->chance(0.8))
            plan(first + draw->time_between(seconds(1), draw->chance(0.5) ? seconds(4) : seconds(90)), Deed::lets_go);
    }

    // Looks after the sagas that wait for a person, and those on hold for what only a person can mend.
    void look_after(Draw& draw, double share) {
        std::vector<std::pair<engine::SagaKey, sagas::Event>> said;
        for (const auto& [key, saga] : world_.tables().sagas) {
            if (saga.state == "NeedsOperator" && draw.chance(share)) {
                const bool ends = draw.chance(0.25);
                said.emplace_back(
                    key, ends
                             ? sagas::Event{"CancelRequested", {{"by", "operator"}, {"reason", "given up"}}, "operator"}
                             : sagas::Event{"OperatorRetried", nlohmann::json::object(), "operator"});
            }
            if (saga.state != "OnHold" || !draw.chance(share)) continue;
            for (const auto& hold : saga.data.value("holds", nlohmann::json::array())) {
                if (hold == "ship_method")
                    said.emplace_back(
                        key, sagas::Event{"HoldReleased", {{"reason", hold}, {"ship_method", "Standard"}}, "operator"});
                if (hold == "no_address" || hold == "operator")
                    said.emplace_back(key, sagas::Event{"HoldReleased", {{"reason", hold}}, "operator"});
            }
        }
        for (auto& [key, event] : said)
            world_.tell(key, std::move(event));
    }

    void plan_operators() {
        for (int i = 0; i < 6; ++i) {
            event("operator", [this](const Drawn& draw) {
                agenda().at(moment(*draw, seconds(40)), [this, draw] { look_after(*draw, 0.6); });
            });
        }
    }

    // --- the warehouse

    void plan_warehouse() {
        for (const StockedSku& sku : world_.skus()) {
            if (!sku.components.empty() || !draw_.chance(0.5)) continue;
            event("goods", [this, item = sku.item_id()](const Drawn& draw) {
                const std::int64_t units = draw->between(1, 6);
                agenda().at(moment(*draw, seconds(30)), [this, item, units] {
                    world_.trace().line("the warehouse receives " + std::to_string(units) + " of " + item);
                    world_.warehouse().receive(item, units);
                });
            });
        }
        for (int i = 0; i < 2; ++i) {
            event("warehouse-cancels", [this](const Drawn& draw) {
                if (!draw->chance(0.5)) return;
                agenda().at(moment(*draw, seconds(20)), [this, draw] {
                    people_.misfortune(Fault::warehouse_cancels, "", *draw);
                });
            });
        }
        event("warehouse-in-trouble", [this](const Drawn& draw) {
            if (!draw->chance(0.5)) return;
            agenda().at(moment(*draw, seconds(20)), [this, draw] {
                people_.misfortune(Fault::warehouse_in_trouble, "", *draw);
            });
        });
    }

    // --- bad luck

    void plan_outages() {
        std::vector<std::string> peers = {Warehouse::key};
        for (const auto& shop : world_.shops())
            peers.push_back(shop->key());
        for (const std::string& peer : peers) {
            for (std::size_t i = draw_.below(3); i > 0; --i)
                outage(peer.c_str(), Fault::peer_away, seconds(3), seconds(40));
        }
        outage("broker", Fault::broker_blocked, seconds(3), seconds(60));
        // A store is heard again when its orders have gone on without it, and the warehouse has not taken them yet.
        event("store, then warehouse", [this](const Drawn& draw) {
            if (!draw->chance(0.2)) return;
            const Instant from = moment(*draw);
            if (!world_.weather().strikes(Fault::peer_away)) return;
            world_.weather().add_outage(
                draw->one_of(world_.shops())->key(), from, from + draw->time_between(seconds(8), seconds(16)));
            world_.weather().add_outage(
                Warehouse::key, from + seconds(7), from + draw->time_between(seconds(18), seconds(40)));
        });
        event("broker-connections", [this](const Drawn& draw) {
            if (!draw->chance(0.6)) return;
            agenda().at(moment(*draw), [this] {
                if (world_.weather().strikes(Fault::broker_connection_lost)) world_.broker().cut_connections();
            });
        });
        if (!temper_.hours_away) return;
        event("hours", [this, &peers](const Drawn& draw) {
            const std::string peer = draw->one_of(peers);
            if (!world_.weather().strikes(Fault::peer_away_for_hours)) return;
            const Instant from = moment(*draw, seconds(20), minutes(3));
            const Instant until = from + draw->time_between(hours(1), hours(4));
            world_.weather().add_outage(peer, from, until);
            calm_at = until;
            end = calm_at + hours(2);
            text += " hours=" + peer;
        });
    }

    void outage(const char* peer, Fault fault, Duration least, Duration most) {
        event("outage", [this, peer = std::string(peer), fault, least, most](const Drawn& draw) {
            const Instant from = moment(*draw);
            if (world_.weather().strikes(fault))
                world_.weather().add_outage(peer, from, from + draw->time_between(least, most));
        });
    }

    template <class Deed>
    void once(const char* what, double chance, Fault fault, const Deed& deed) {
        event(what, [this, chance, fault, deed](const Drawn& draw) {
            if (!draw->chance(chance)) return;
            agenda().at(moment(*draw), [this, draw, fault, deed] {
                if (world_.weather().strikes(fault)) deed(*draw);
            });
        });
    }

    void plan_deaths() {
        for (int i = 0; i < 3; ++i) {
            once("engine-killed", 0.5, Fault::engine_killed, [this](Draw& draw) {
                draw.one_of(world_.hosts())->kill();
            });
            once("worker-killed", 0.5, Fault::worker_killed, [this](Draw& draw) {
                draw.one_of(world_.workers())->kill();
            });
        }
        once("all-killed", 0.25, Fault::all_killed, [this](Draw&) {
            for (const auto& host : world_.hosts())
                host->kill();
            for (const auto& worker : world_.workers())
                worker->kill();
        });
        once("engine-frozen", 0.6, Fault::engine_frozen, [this](Draw& draw) {
            draw.one_of(world_.hosts())->freeze(draw.time_between(seconds(5), minutes(5)));
        });
        once("clock-jump", 0.6, Fault::clock_jump, [this](Draw& draw) {
            draw.one_of(world_.hosts())->set_clock_off_by(draw.chance(0.5) ? hours(1) : hours(-1));
        });
    }

    void plan_calm() {
        agenda().at(calm_at, [this] {
            world_.trace().line("calm");
            world_.weather().calm_down();
        });
        // What backorders wait for arrives, of every SKU: an order is granted whole, and who is first in the queue keeps the
        // others behind it until all that it wants is there.
        agenda().at(calm_at + seconds(30), [this] {
            for (const auto& sku : world_.skus()) {
                if (sku.components.empty()) world_.warehouse().receive(sku.item_id(), 200);
            }
        });
        for (int i = 0; i < 2; ++i) {
            event("operator after all", [this, i](const Drawn& draw) {
                agenda().at(calm_at + minutes(2 + 3 * i), [this, draw] { look_after(*draw, 0.5); });
            });
        }
    }

    World& world_;
    Options options_;
    Temper temper_;
    Draw draw_;
    People people_;
    Meddling meddling_;
};

Scenario::Scenario(const Options& options, bool print, const World::MakeGround& make_ground) {
    const Temper temper = draw_temper(options);
    world_ = std::make_unique<World>(options, temper.settings, print, make_ground);
    planner_ = std::make_unique<Planner>(*world_, options, temper);
    planner_->text = temper.text + planner_->text + world_->weather().text();
}

Scenario::~Scenario() = default;

void Scenario::run() {
    // Not before the last that is planned has come.
    const Instant earliest = planner_->calm_at + minutes(6);
    world_->run_until(earliest, planner_->end, [this] { return nothing_under_way(*world_) && judge(*world_).empty(); });
}

World& Scenario::world() {
    return *world_;
}

int Scenario::events() const {
    return planner_->events;
}

std::string Scenario::text() const {
    return planner_->text;
}

}  // namespace ordersaga::simulation
