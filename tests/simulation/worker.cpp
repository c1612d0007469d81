#include "tests/simulation/worker.hpp"

#include "sagas/activities.hpp"

#include <memory>
#include <stdexcept>

namespace ordersaga::simulation {

using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
namespace activity = sagas::activity;

namespace {

// How long a call may be under way, as the policies of the order saga have it.
constexpr Duration call_deadline = seconds(10);
// The most orders one poll answers; small, so that polls come in pieces.
constexpr std::size_t poll_limit = 12;

bool is_write(const std::string& name) {
    return name == activity::request_fulfillment || name == activity::cancel_fulfillment ||
           name == activity::flush_stock || name == activity::create_store_fulfillment ||
           name == activity::settle_store_order;
}

Outcome outcome_of(OutcomeKind kind, std::string reason, json payload = json::object()) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = std::move(reason);
    outcome.payload = std::move(payload);
    return outcome;
}

Outcome refused(const std::string& reason) {
    return outcome_of(OutcomeKind::refused, reason, {{"messages", json::array({reason})}});
}

std::string peer_of(const engine::CommandRow& command) {
    return command.payload.contains("store") ? command.payload.at("store").get<std::string>() : Warehouse::key;
}

// An earlier run of this attempt may have written: "surely nothing happened" is then more than is known.
Outcome doubted(Outcome outcome, bool doubt) {
    const bool harmless = outcome.kind == OutcomeKind::retryable || outcome.kind == OutcomeKind::throttled;
    if (doubt && harmless) outcome.kind = OutcomeKind::unknown;
    return outcome;
}

}  // namespace

Worker::Worker(
    int number,
    Agenda& agenda,
    Weather& weather,
    std::map<std::string, Shop*> shops,
    Warehouse& warehouse,
    Trace& trace,
    Ports ports)
    : number_(number),
      agenda_(agenda),
      weather_(weather),
      shops_(std::move(shops)),
      warehouse_(warehouse),
      trace_(trace),
      ports_(std::move(ports)) {}

void Worker::kill() {
    if (!alive_) return;
    trace_.line("worker" + std::to_string(number_) + " dies");
    alive_ = false;
    ++life_;
    works_.clear();
    known_.clear();
    ports_.redeliver(number_);
    agenda_.after(weather_.between(seconds(1), seconds(15)), [this] { alive_ = true; });
}

void Worker::perform(std::uint64_t delivery, const Sent& command, bool seen_before) {
    const std::string& token = command->attempt_token;
    if (const auto in_work = works_.find(token); in_work != works_.end()) {
        in_work->second.deliveries.push_back(delivery);
        return;
    }
    const bool write = is_write(command->activity);
    works_[token] = {{delivery}, write && seen_before};
    if (const auto known = known_.find(token); known != known_.end()) return finish(command, known->second);
    if (weather_.happens(Fault::worker_dies_before_call)) return kill();

    const Instant now = agenda_.now();
    if (command->deadline && now + milliseconds(300) >= *command->deadline) {
        return finish_after(Duration{0}, command, outcome_of(OutcomeKind::retryable, "taken up too late"));
    }
    if (write && command->send_before && now > *command->send_before) {
        return finish_after(Duration{0}, command, outcome_of(OutcomeKind::retryable, "too late to send"));
    }
    call(command);
}

void Worker::call(const Sent& command) {
    const bool write = is_write(command->activity);
    const OutcomeKind nothing_heard = write ? OutcomeKind::unknown : OutcomeKind::retryable;
    const Duration latency = weather_.between(milliseconds(5), milliseconds(200));
    switch (weather_.fate_of_call(peer_of(*command))) {
        case CallFate::throttled: {
            Outcome outcome = outcome_of(OutcomeKind::throttled, "429");
            outcome.retry_after =
                std::chrono::duration_cast<milliseconds>(weather_.between(milliseconds(200), seconds(3)));
            return finish_after(latency, command, std::move(outcome));
        }
        case CallFate::unreachable:
            return finish_after(latency, command, outcome_of(OutcomeKind::retryable, "connection refused"));
        case CallFate::unknown_lost:
            return finish_after(
                weather_.between(latency, call_deadline), command, outcome_of(nothing_heard, "no answer"));
        case CallFate::unknown_applied:
            // The answer is given up on at one moment, the peer acts at another, perhaps later one.
            if (write) agenda_.after(weather_.between(latency, call_deadline), [this, command] { act(*command); });
            return finish_after(
                weather_.between(latency, call_deadline), command, outcome_of(nothing_heard, "connection reset"));
        case CallFate::fine: break;
    }
    if (command->activity == activity::quiet_read) return read_quietly(command);
    Duration until_there = latency;
    const bool late = write && weather_.happens(Fault::worker_frozen);
    if (late) {
        // All checks were made; then the process stood still. No fence of ours stops what it sends when it goes on.
        until_there = weather_.between(seconds(15), minutes(8));
        ++late_calls_;
    }
    const bool dies = weather_.happens(Fault::worker_dies_in_call);
    agenda_.after(until_there, [this, command, late, dies, life = life_] {
        if (late) --late_calls_;
        Outcome outcome = act(*command, late);
        if (life != life_) return;
        if (dies) return kill();
        finish(command, std::move(outcome));
    });
}

void Worker::finish_after(Duration delay, const Sent& command, Outcome outcome) {
    agenda_.after(delay, [this, command, outcome = std::move(outcome), life = life_] {
        if (life == life_) finish(command, outcome);
    });
}

void Worker::finish(const Sent& command, Outcome outcome) {
    const auto work = works_.find(command->attempt_token);
    if (work == works_.end()) return;
    outcome = doubted(std::move(outcome), work->second.doubt);
    if (weather_.happens(Fault::worker_dies_before_outcome)) return kill();
    trace_.line(
        "outcome " + command->activity + " " + command->idempotency_key + " " + std::string(name_of(outcome.kind)) +
        " " + outcome.reason);
    const std::vector<std::uint64_t> deliveries = std::move(work->second.deliveries);
    works_.erase(work);
    // Only what wrote is worth remembering; reads are simply done again.
    if (is_write(command->activity)) known_[command->attempt_token] = outcome;
    ports_.answer(command, outcome);
    for (const std::uint64_t delivery : deliveries)
        ports_.acknowledge(delivery);
}

// Levels, orders, levels again; buyers do not wait meanwhile.
void Worker::read_quietly(const Sent& command) {
    const Duration pause = weather_.between(milliseconds(5), milliseconds(150));
    Shop* shop = shops_.at(peer_of(*command));
    const auto result = std::make_shared<json>();
    agenda_.after(pause, [shop, command, result] {
        const json& payload = command->payload;
        (*result)["first"] = payload.contains("first") ? payload.at("first") : shop->levels(payload.at("listings"));
    });
    agenda_.after(pause * 2, [shop, command, result] {
        const json& payload = command->payload;
        const Instant since = runtime::parse_rfc3339(payload.at("orders_since").get<std::string>()).value();
        json polled = shop->order_stamps_since(since, poll_limit, payload.value("after", ""));
        polled.erase("complete");
        result->update(polled);
    });
    agenda_.after(pause * 3, [this, shop, command, result, life = life_] {
        if (!result->contains("after")) (*result)["second"] = shop->levels(command->payload.at("listings"));
        if (life == life_) finish(command, outcome_of(OutcomeKind::done, "", std::move(*result)));
    });
}

Outcome Worker::act(const engine::CommandRow& command, bool late) {
    Outcome outcome;
    try {
        const auto shop = shops_.find(peer_of(command));
        outcome = shop == shops_.end() ? act_on_warehouse(command, late) : act_on_shop(command, *shop->second);
    } catch (const std::runtime_error& no) {
        outcome = refused(no.what());
    }
    trace_.line("act " + command.activity + " " + command.idempotency_key + " " + std::string(name_of(outcome.kind)));
    return outcome;
}

Outcome Worker::act_on_shop(const engine::CommandRow& command, Shop& shop) {
    const json& payload = command.payload;
    const std::string& name = command.activity;
    if (is_write(name) && weather_.happens(Fault::refused)) return refused("the store does not take it");
    if (name == activity::flush_stock) {
        return outcome_of(OutcomeKind::done, "", shop.adjust(payload.at("key"), payload.at("body")));
    }
    if (name == activity::create_store_fulfillment) return outcome_of(OutcomeKind::done, "", shop.fulfill(payload));
    if (name == activity::settle_store_order) return outcome_of(OutcomeKind::done, "", shop.settle(payload));
    if (name == activity::read_order) return outcome_of(OutcomeKind::done, "", shop.order(payload.at("order_id")));
    if (name == activity::poll_orders && payload.contains("order_ids")) {
        json answer = payload.at("list");
        answer.update(shop.orders(payload.at("order_ids"), poll_limit));
        return outcome_of(OutcomeKind::done, "", std::move(answer));
    }
    if (name == activity::poll_orders) {
        const Instant since = runtime::parse_rfc3339(payload.at("orders_since").get<std::string>()).value();
        return outcome_of(
            OutcomeKind::done, "", shop.order_stamps_since(since, poll_limit, payload.value("after", "")));
    }
    return refused("no such activity: " + name);
}

Outcome Worker::act_on_warehouse(const engine::CommandRow& command, bool late) {
    const json& payload = command.payload;
    const std::string& name = command.activity;
    if (name == activity::request_fulfillment) {
        const RequestMood mood = warehouse_.mood_about_request(payload);
        if (mood == RequestMood::refused) return refused("the address cannot be served");
        if (mood == RequestMood::held_up) return outcome_of(OutcomeKind::unknown, "no answer");
        const Warehouse::Created created =
            mood == RequestMood::conflict ? Warehouse::Created{{}, true, false} : warehouse_.create(payload, late);
        if (mood == RequestMood::unanswered) return outcome_of(OutcomeKind::unknown, "no answer");
        if (created.cancelled) return refused("the warehouse holds this reference as cancelled");
        if (!created.conflict) return outcome_of(OutcomeKind::done, "", {{"view", created.view}});
        return outcome_of(
            OutcomeKind::refused, "the reference is taken",
            {{"messages", json::array({"the reference is taken"})}, {"conflict", true}});
    }
    if (name == activity::cancel_fulfillment) {
        const std::string reference = payload.at("reference").get<std::string>();
        // Of an order that we were never told of, "not found" is believed at once: hiding such a one would be a lie.
        const bool may_hide = !payload.value("warehouse_order_id", "").empty();
        switch (warehouse_.mood_about_cancel(reference, may_hide)) {
            case CancelMood::refuses: return refused("this order cannot be cancelled");
            case CancelMood::fails: return outcome_of(OutcomeKind::unknown, "500");
            case CancelMood::does_not_find: return outcome_of(OutcomeKind::done, "", {{"found", false}});
            case CancelMood::fine: break;
        }
        const Warehouse::Cancelled result = warehouse_.cancel(reference);
        if (!result.found) return outcome_of(OutcomeKind::done, "", {{"found", false}});
        if (result.too_late) return outcome_of(OutcomeKind::too_late, "too late", {{"view", result.view}});
        return outcome_of(OutcomeKind::done, "", {{"found", true}, {"view", result.view}});
    }
    if (name == activity::find_fulfillment) {
        // Only a look at what is known to be there: a warehouse that hides what was given up could never be caught.
        const bool watch = command.idempotency_key.starts_with("watch:");
        if (watch && weather_.happens(Fault::lookup_not_found))
            return outcome_of(OutcomeKind::done, "", {{"found", false}});
        return outcome_of(OutcomeKind::done, "", warehouse_.find(payload.at("reference")));
    }
    if (name == activity::poll_fulfillments) {
        const Instant since = runtime::parse_rfc3339(payload.at("changed_since").get<std::string>()).value();
        return outcome_of(OutcomeKind::done, "", warehouse_.changed_since(since));
    }
    if (name == activity::read_warehouse_stock) {
        return outcome_of(OutcomeKind::done, "", warehouse_.stock(payload.value("items", json::array())));
    }
    return refused("no such activity: " + name);
}

}  // namespace ordersaga::simulation
