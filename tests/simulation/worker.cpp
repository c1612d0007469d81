#include "tests/simulation/worker.hpp"

#include "sagas/activities.hpp"

#include <memory>
#include <stdexcept>

namespace ordersaga::simulation {

using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;
using std::chrono::milliseconds;
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

void Worker::perform(const engine::CommandRow& command, bool seen_before, Answer answer) {
    const bool write = is_write(command.activity);
    const bool doubt = write && seen_before;
    const Instant now = agenda_.now();
    const auto tell = [this, command, answer = std::move(answer), doubt](Duration delay, Outcome outcome) {
        agenda_.after(delay, [this, command, answer, outcome = doubted(std::move(outcome), doubt)] {
            trace_.line(
                "outcome " + command.activity + " " + command.idempotency_key + " " +
                std::string(name_of(outcome.kind)) + " " + outcome.reason);
            answer(outcome);
        });
    };
    if (command.deadline && now + milliseconds(300) >= *command.deadline) {
        return tell(Duration{0}, outcome_of(OutcomeKind::retryable, "taken up too late"));
    }
    if (write && command.send_before && now > *command.send_before) {
        return tell(Duration{0}, outcome_of(OutcomeKind::retryable, "too late to send"));
    }

    const Duration latency = weather_.between(milliseconds(5), milliseconds(200));
    switch (weather_.fate_of_call(peer_of(command))) {
        case CallFate::throttled: {
            Outcome outcome = outcome_of(OutcomeKind::throttled, "429");
            outcome.retry_after =
                std::chrono::duration_cast<milliseconds>(weather_.between(milliseconds(200), seconds(3)));
            return tell(latency, std::move(outcome));
        }
        case CallFate::unreachable: return tell(latency, outcome_of(OutcomeKind::retryable, "connection refused"));
        case CallFate::unknown_lost:
            return tell(
                weather_.between(latency, call_deadline),
                outcome_of(write ? OutcomeKind::unknown : OutcomeKind::retryable, "no answer"));
        case CallFate::unknown_applied:
            // The answer is given up on at one moment, the peer acts at another, perhaps later one.
            if (write) {
                agenda_.after(weather_.between(latency, call_deadline), [this, command] { act(command, false); });
            }
            return tell(
                weather_.between(latency, call_deadline),
                outcome_of(write ? OutcomeKind::unknown : OutcomeKind::retryable, "connection reset"));
        case CallFate::refused:
        case CallFate::fine: break;
    }
    if (command.activity == activity::quiet_read) {
        return read_quietly(command, [tell](const Outcome& outcome) { tell(Duration{0}, outcome); });
    }
    const bool refuse = command.activity == activity::request_fulfillment && weather_.happens(&FaultRates::refused);
    agenda_.after(latency, [this, command, refuse, tell] { tell(Duration{0}, act(command, refuse)); });
}

// Levels, orders, levels again; buyers do not wait meanwhile.
void Worker::read_quietly(const engine::CommandRow& command, Answer answer) {
    const Duration pause = weather_.between(milliseconds(5), milliseconds(150));
    Shop* shop = shops_.at(peer_of(command));
    const auto payload = std::make_shared<json>(command.payload);
    const auto result = std::make_shared<json>();
    agenda_.after(pause, [shop, payload, result] {
        (*result)["first"] = payload->contains("first") ? payload->at("first") : shop->levels(payload->at("listings"));
    });
    agenda_.after(pause * 2, [shop, payload, result] {
        const Instant since = runtime::parse_rfc3339(payload->at("orders_since").get<std::string>()).value();
        json polled = shop->orders_since(since, poll_limit, payload->value("after", ""));
        polled.erase("complete");
        result->update(polled);
    });
    agenda_.after(pause * 3, [shop, payload, result, answer = std::move(answer)] {
        if (!result->contains("after")) (*result)["second"] = shop->levels(payload->at("listings"));
        answer(outcome_of(OutcomeKind::done, "", *result));
    });
}

Outcome Worker::act(const engine::CommandRow& command, bool refuse) {
    Outcome outcome;
    try {
        const auto shop = shops_.find(peer_of(command));
        outcome = shop == shops_.end() ? act_on_warehouse(command, refuse) : act_on_shop(command, *shop->second);
    } catch (const std::runtime_error& no) {
        outcome = refused(no.what());
    }
    trace_.line("act " + command.activity + " " + command.idempotency_key + " " + std::string(name_of(outcome.kind)));
    return outcome;
}

Outcome Worker::act_on_shop(const engine::CommandRow& command, Shop& shop) {
    const json& payload = command.payload;
    const std::string& name = command.activity;
    if (name == activity::flush_stock) {
        return outcome_of(OutcomeKind::done, "", shop.adjust(payload.at("key"), payload.at("body")));
    }
    if (name == activity::create_store_fulfillment) return outcome_of(OutcomeKind::done, "", shop.fulfill(payload));
    if (name == activity::settle_store_order) return outcome_of(OutcomeKind::done, "", shop.settle(payload));
    if (name == activity::read_order) return outcome_of(OutcomeKind::done, "", shop.order(payload.at("order_id")));
    if (name == activity::poll_orders) {
        const Instant since = runtime::parse_rfc3339(payload.at("orders_since").get<std::string>()).value();
        return outcome_of(OutcomeKind::done, "", shop.orders_since(since, poll_limit, payload.value("after", "")));
    }
    return refused("no such activity: " + name);
}

Outcome Worker::act_on_warehouse(const engine::CommandRow& command, bool refuse) {
    const json& payload = command.payload;
    const std::string& name = command.activity;
    if (name == activity::request_fulfillment) {
        const std::string reference = payload.at("reference").get<std::string>();
        if (refuse && !warehouse_.find(reference).at("found").get<bool>())
            return refused("the address cannot be served");
        const Warehouse::Created created = warehouse_.create(payload);
        if (created.cancelled) return refused("the warehouse holds this reference as cancelled");
        if (!created.conflict) return outcome_of(OutcomeKind::done, "", {{"view", created.view}});
        return outcome_of(
            OutcomeKind::refused, "the reference is taken",
            {{"messages", json::array({"the reference is taken"})}, {"conflict", true}});
    }
    if (name == activity::cancel_fulfillment) {
        const Warehouse::Cancelled result = warehouse_.cancel(payload.at("reference"));
        if (!result.found) return outcome_of(OutcomeKind::done, "", {{"found", false}});
        if (result.too_late) return outcome_of(OutcomeKind::too_late, "too late", {{"view", result.view}});
        return outcome_of(OutcomeKind::done, "", {{"found", true}, {"view", result.view}});
    }
    if (name == activity::find_fulfillment)
        return outcome_of(OutcomeKind::done, "", warehouse_.find(payload.at("reference")));
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
