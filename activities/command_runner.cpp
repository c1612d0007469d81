#include "activities/command_runner.hpp"

#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/store_activities.hpp"
#include "activities/wms/shipbob/shipbob.hpp"
#include "activities/wms/warehouse_activities.hpp"
#include "broker/envelope.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/planted.hpp"
#include "runtime/random.hpp"
#include "runtime/trace.hpp"
#include "sagas/activities.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <utility>

namespace ordersaga::activities {

using boost::asio::awaitable;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;
using shopify::StoreActivities;
using wms::WarehouseActivities;

namespace {

// The outcome must be back before the engine gives up on the attempt.
constexpr std::chrono::milliseconds time_to_answer{300};

Outcome ended(OutcomeKind kind, std::string reason) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = std::move(reason);
    if (kind == OutcomeKind::refused) {
        outcome.payload["messages"] = json::array({outcome.reason});
    }
    return outcome;
}

bool is_write(const std::string& activity) {
    return StoreActivities::is_write(activity) || WarehouseActivities::is_write(activity);
}

void report_budget(const LaneReport& lane, Outcome& outcome) {
    outcome.tokens_left = lane.currently_available;
    outcome.tokens_capacity = lane.maximum_available;
    outcome.tokens_per_second = lane.restore_rate;
    if (lane.remaining_calls) {
        outcome.tokens_left = static_cast<double>(*lane.remaining_calls);
    }
}

// An earlier run of this attempt may have written and died before it could tell: "surely nothing happened" is then more
// than we know.
void doubt(Outcome& outcome) {
    if (outcome.kind == OutcomeKind::retryable || outcome.kind == OutcomeKind::throttled) {
        outcome.kind = OutcomeKind::unknown;
        outcome.retry_after.reset();
        outcome.reason = "delivered twice, an earlier run may have written: " + outcome.reason;
    }
}

bool tells_of_orders(const json& payload) {
    return !List(member(payload, "orders")).empty() || member(payload, "order").is_object();
}

CallScope::Limits limits_of(
    const broker::Envelope& command,
    const json& payload,
    std::chrono::milliseconds call_timeout,
    runtime::Random& random) {
    CallScope::Limits limits;
    limits.merchant = command.merchant_id;
    limits.send_before = command.send_before;
    if (command.deadline) {
        limits.deadline = *command.deadline - time_to_answer;
    }
    limits.call_timeout = call_timeout;
    const auto wanted = integer_of(payload, "call_deadline_ms");
    if (wanted && *wanted > 0 && *wanted < 600'000) {
        limits.call_timeout = std::chrono::milliseconds(*wanted);
    }
    if (const auto trace = runtime::parse_traceparent(command.traceparent)) {
        limits.traceparent = trace->child(random).header();
    }
    return limits;
}

}  // namespace

CommandRunner::CommandRunner(
    const WorkerConfig& config,
    runtime::HttpTransport& transport,
    const DatabaseClock& clock,
    runtime::Random& random,
    std::shared_ptr<Recipients> recipients,
    const std::shared_ptr<Credentials>& kept)
    : clock_(clock),
      random_(random),
      recipients_(std::move(recipients)),
      keys_(config.credential_keys),
      call_timeout_(config.call_timeout) {
    const auto access = [&kept](const std::string& token, const std::string& subject) {
        return Access{token.empty() && kept ? kept : fixed_credentials(token), subject};
    };
    for (const StoreConfig& store : config.stores) {
        shopify::StoreSettings settings{store.base_url, store.api_version, access(store.token, "store:" + store.key)};
        stores_.emplace(store.key, shopify::StoreClient(std::move(settings), transport));
    }
    for (const WarehouseConfig& warehouse : config.warehouses) {
        wms::shipbob::ShipBobSettings settings{
            warehouse.base_url, warehouse.api_version, warehouse.channel_id,
            access(warehouse.token, "warehouse:" + warehouse.key)};
        warehouses_.emplace(warehouse.key, std::make_unique<wms::shipbob::ShipBob>(std::move(settings), transport));
    }
}

awaitable<Outcome> CommandRunner::run(broker::Envelope command, bool seen_before) {
    const bool write = is_write(command.activity);
    runtime::Result<json> parsed = runtime::parse_json(command.payload);
    if (!parsed.ok() || !parsed->is_object()) {
        co_return ended(OutcomeKind::refused, "the payload is not a JSON object");
    }
    const json payload = std::move(parsed).value();
    CallScope scope(clock_, limits_of(command, payload, call_timeout_, random_));
    Outcome outcome;
    if (!scope.may_call()) {
        outcome = ended(OutcomeKind::retryable, "the deadline passed before the command was taken up");
    } else {
        const bool lookup_first = seen_before || flag_of(payload, "lookup_first");
        std::string fault;
        try {
            outcome = co_await dispatch(command, payload, lookup_first, scope);
        } catch (const runtime::ErrorException& error) {
            fault = error.what();
        } catch (const std::exception& error) {
            // A bug of ours. What was sent is not known to be undone.
            runtime::log_error("an activity broke", {{"activity", command.activity}, {"error", error.what()}});
            outcome = ended(
                write && scope.wrote() ? OutcomeKind::unknown : OutcomeKind::retryable,
                std::string("the worker broke: ") + error.what());
        }
        if (!fault.empty()) {
            outcome = ended(scope.wrote() ? OutcomeKind::unknown : OutcomeKind::refused, fault);
        }
    }
    if (seen_before && write && !runtime::planted("redelivery_not_doubted")) {
        doubt(outcome);
    }
    report_budget(scope.lane, outcome);
    if (keys_ && tells_of_orders(outcome.payload)) {
        // Documents of orders hold addresses: they travel sealed, for this attempt alone.
        const std::string text = outcome.payload.dump(-1, ' ', false, json::error_handler_t::replace);
        outcome.payload = {{"sealed", keys_->seal_text(text, command.attempt_token)}};
    }
    co_return outcome;
}

awaitable<std::optional<Outcome>> CommandRunner::add_recipient(const broker::Envelope& command, json& payload) {
    using Kind = Recipients::Answer::Kind;
    const Recipients::Answer answer = co_await recipients_->of(command.merchant_id, command.saga_id);
    switch (answer.kind) {
        case Kind::known: break;
        case Kind::erased: co_return ended(OutcomeKind::refused, "there is no address to ship to: " + answer.text);
        case Kind::unavailable:
            co_return ended(OutcomeKind::retryable, "the address to ship to cannot be read: " + answer.text);
        case Kind::unopened:
            co_return ended(OutcomeKind::blocked, "the address to ship to cannot be opened: " + answer.text);
    }
    payload["recipient"] = json::parse(answer.text);
    co_return std::nullopt;
}

awaitable<Outcome> CommandRunner::dispatch(
    const broker::Envelope& command,
    const json& payload,
    bool lookup_first,
    CallScope& scope) {
    if (StoreActivities::knows(command.activity)) {
        const std::string key = runtime::get_text(payload, "store", "payload").value();
        const auto store = stores_.find(key);
        if (store == stores_.end()) {
            co_return ended(OutcomeKind::blocked, "this worker has no store " + shown(key, 80));
        }
        const StoreActivities activities(store->second);
        Outcome outcome = co_await activities.run(command.activity, payload, scope);
        co_return outcome;
    }
    if (WarehouseActivities::knows(command.activity)) {
        const std::string key = runtime::get_text(payload, "warehouse", "payload").value();
        const auto warehouse = warehouses_.find(key);
        if (warehouse == warehouses_.end()) {
            co_return ended(OutcomeKind::blocked, "this worker has no warehouse " + shown(key, 80));
        }
        WarehouseActivities activities(*warehouse->second);
        json whole = payload;
        if (command.activity == sagas::activity::request_fulfillment) {
            std::optional<Outcome> without = co_await add_recipient(command, whole);
            if (without) co_return std::move(*without);
        }
        Outcome outcome = co_await activities.run(command.activity, whole, lookup_first, scope);
        co_return outcome;
    }
    co_return ended(OutcomeKind::refused, "no such activity: " + shown(command.activity, 80));
}

}  // namespace ordersaga::activities
