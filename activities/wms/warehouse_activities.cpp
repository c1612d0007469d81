#include "activities/wms/warehouse_activities.hpp"

#include "activities/lenient_json.hpp"
#include "runtime/json.hpp"
#include "sagas/activities.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

namespace ordersaga::activities::wms {

using boost::asio::awaitable;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;
namespace activity = sagas::activity;

namespace {

// An outcome travels in one message of at most 256 KiB.
constexpr std::size_t most_view_bytes = 225 * 1024;
constexpr std::size_t most_stock_rows = 1500;

constexpr std::array<std::string_view, 5> ours{
    activity::request_fulfillment, activity::cancel_fulfillment, activity::find_fulfillment,
    activity::poll_fulfillments, activity::read_warehouse_stock};

Outcome ended(OutcomeKind kind, std::string reason) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = std::move(reason);
    return outcome;
}

Outcome with_view(OutcomeKind kind, const FulfillmentView& view, std::string reason = {}) {
    Outcome outcome = ended(kind, std::move(reason));
    outcome.payload["view"] = to_json(view);
    return outcome;
}

std::string text(const json& payload, std::string_view key) {
    return runtime::get_text(payload, key, "payload").value();
}

std::string opt(const json& object, std::string_view key) {
    return runtime::opt_text(object, key, "payload").value().value_or("");
}

Recipient recipient_of(const json& document) {
    return {
        opt(document, "name"),
        opt(document, "email"),
        opt(document, "phone_number"),
        {opt(document, "address1"), opt(document, "address2"), opt(document, "city"), opt(document, "company_name"),
         opt(document, "state"), opt(document, "zip_code"), opt(document, "country")}};
}

FulfillmentRequest request_of(const json& payload) {
    FulfillmentRequest request;
    request.reference = text(payload, "reference");
    request.request_key = opt(payload, "request_key");
    request.display_number = opt(payload, "order_number");
    request.ship_method = opt(payload, "ship_method");
    request.recipient = recipient_of(*runtime::get_object(payload, "recipient", "payload").value());
    for (const json& entry : *runtime::get_array(payload, "lines", "payload").value()) {
        RequestLine line;
        line.line_id = text_of(entry, "line_id");
        line.sku = opt(entry, "sku");
        line.item_id = integer_of(entry, "warehouse_item_id");
        line.quantity = runtime::get_int64(entry, "quantity", "line").value();
        request.lines.push_back(std::move(line));
    }
    for (const json& tag : List(member(payload, "tags"))) {
        request.tags.push_back({text_of(tag, "name"), text_of(tag, "value")});
    }
    return request;
}

json lines_of(const std::vector<ViewLine>& lines) {
    json list = json::array();
    for (const ViewLine& line : lines) {
        json entry{{"sku", line.sku}, {"quantity", line.quantity}};
        if (line.item_id) entry["warehouse_item_id"] = std::to_string(*line.item_id);
        list.push_back(std::move(entry));
    }
    return list;
}

bool asks_for_all(const json& payload) {
    return List(member(payload, "items")).empty();
}

json shipment_json(const ShipmentView& shipment) {
    // A shipment of several parcels is told by its first number; ShipBob gives one.
    const Tracking tracking = shipment.tracking.empty() ? Tracking{} : shipment.tracking.front();
    return {
        {"id", shipment.id},
        {"state", name_of(shipment.state)},
        {"carrier", tracking.carrier},
        {"tracking_number", tracking.number},
        {"tracking_url", tracking.url},
        {"lines", lines_of(shipment.lines)}};
}

}  // namespace

json to_json(const FulfillmentView& view) {
    json shipments = json::array();
    for (const ShipmentView& shipment : view.shipments) {
        shipments.push_back(shipment_json(shipment));
    }
    json problems = json::array();
    for (const Problem& problem : view.problems) {
        json entry{{"code", problem.code}, {"text", problem.text}};
        if (!problem.sku.empty()) entry["sku"] = problem.sku;
        problems.push_back(std::move(entry));
    }
    return {{"reference", view.reference},       {"warehouse_order_id", view.id},
            {"state", name_of(view.state)},      {"cancellable", name_of(view.cancellable)},
            {"shipments", std::move(shipments)}, {"problems", std::move(problems)}};
}

namespace {

struct OutcomeOfFailure {
    Outcome operator()(const Retryable& failure) const { return ended(OutcomeKind::retryable, failure.reason); }
    Outcome operator()(const OutcomeUnknown& failure) const { return ended(OutcomeKind::unknown, failure.reason); }
    Outcome operator()(const Throttled& failure) const {
        Outcome outcome = ended(OutcomeKind::throttled, failure.reason);
        outcome.retry_after = failure.after;
        return outcome;
    }
    // Surely not sent; the next attempt brings a new send_before.
    Outcome operator()(const Expired& failure) const { return ended(OutcomeKind::retryable, failure.reason); }
    Outcome operator()(const Permanent& failure) const {
        Outcome outcome = ended(OutcomeKind::refused, failure.reason);
        json messages = json::array();
        for (const FieldProblem& problem : failure.problems) {
            messages.push_back(problem.field.empty() ? problem.message : problem.field + ": " + problem.message);
        }
        if (messages.empty()) messages.push_back(failure.reason);
        outcome.payload["messages"] = std::move(messages);
        return outcome;
    }
    Outcome operator()(const NotFound& failure) const {
        Outcome outcome = ended(OutcomeKind::refused, failure.reason);
        outcome.payload["messages"] = json::array({failure.reason});
        return outcome;
    }
    Outcome operator()(const AuthConfig& failure) const { return ended(OutcomeKind::blocked, failure.reason); }
    Outcome operator()(const Unsupported& failure) const {
        const std::string reason = "this warehouse does not offer " + failure.operation;
        Outcome outcome = ended(OutcomeKind::refused, reason);
        outcome.payload["messages"] = json::array({reason});
        return outcome;
    }
};

}  // namespace

Outcome outcome_of(const Failure& failure) {
    return std::visit(OutcomeOfFailure{}, failure);
}

bool WarehouseActivities::knows(std::string_view name) {
    return std::find(ours.begin(), ours.end(), name) != ours.end();
}

bool WarehouseActivities::is_write(std::string_view name) {
    return name == activity::request_fulfillment || name == activity::cancel_fulfillment;
}

awaitable<Outcome> WarehouseActivities::run(
    std::string_view name,
    const json& payload,
    bool lookup_first,
    CallScope& scope) {
    Outcome outcome;
    if (name == activity::request_fulfillment) {
        outcome = co_await request(payload, lookup_first, scope);
    } else if (name == activity::cancel_fulfillment) {
        outcome = co_await cancel(payload, scope);
    } else if (name == activity::find_fulfillment) {
        outcome = co_await find(payload, scope);
    } else if (name == activity::poll_fulfillments) {
        outcome = co_await poll(payload, scope);
    } else if (name == activity::read_warehouse_stock) {
        outcome = co_await read_stock(payload, scope);
    } else {
        throw runtime::ErrorException(runtime::invalid("no such activity"));
    }
    co_return outcome;
}

awaitable<Outcome> WarehouseActivities::request(const json& payload, bool lookup_first, CallScope& scope) {
    FulfillmentRequest wanted = request_of(payload);
    const SubmitOutcome submitted = co_await warehouse_.submit(std::move(wanted), lookup_first, scope);
    if (const auto* failure = std::get_if<Failure>(&submitted)) {
        co_return outcome_of(*failure);
    }
    if (const auto* created = std::get_if<Created>(&submitted)) {
        co_return with_view(OutcomeKind::done, created->view);
    }
    if (const auto* conflict = std::get_if<Conflict>(&submitted)) {
        Outcome outcome =
            with_view(OutcomeKind::refused, conflict->view, "the reference is taken: " + conflict->reason);
        outcome.payload["messages"] = json::array({outcome.reason});
        outcome.payload["conflict"] = true;
        co_return outcome;
    }
    const FulfillmentView& view = std::get<AlreadyDone>(submitted).view;
    if (view.state == FulfillmentState::cancelled) {
        // A reference is used up for ever: this fulfilment will never ship, and sending it again cannot change that.
        Outcome outcome = with_view(OutcomeKind::refused, view, "the warehouse holds this reference as cancelled");
        outcome.payload["messages"] = json::array({outcome.reason});
        co_return outcome;
    }
    co_return with_view(OutcomeKind::done, view);
}

awaitable<Outcome> WarehouseActivities::cancel(const json& payload, CallScope& scope) {
    const std::string reference = text(payload, "reference");
    const std::string id = text_of(payload, "warehouse_order_id");  // empty while only the reference is known
    const CancelOutcome result = co_await warehouse_.cancel(id, reference, scope);
    if (const auto* failure = std::get_if<Failure>(&result)) {
        if (std::holds_alternative<NotFound>(*failure)) {
            Outcome outcome = ended(OutcomeKind::done, "");
            outcome.payload = {{"found", false}};
            co_return outcome;
        }
        co_return outcome_of(*failure);
    }
    if (const auto* late = std::get_if<TooLate>(&result)) {
        co_return with_view(OutcomeKind::too_late, late->view, "the warehouse is past the point of cancelling");
    }
    if (const auto* partly = std::get_if<PartlyCancelled>(&result)) {
        co_return with_view(OutcomeKind::too_late, partly->view, "only some shipments could be cancelled");
    }
    const auto* done = std::get_if<Cancelled>(&result);
    Outcome outcome = with_view(OutcomeKind::done, done != nullptr ? done->view : std::get<AlreadyDone>(result).view);
    outcome.payload["found"] = true;
    co_return outcome;
}

awaitable<Outcome> WarehouseActivities::find(const json& payload, CallScope& scope) {
    const FindOutcome found = co_await warehouse_.find(text(payload, "reference"), scope);
    if (const auto* failure = std::get_if<Failure>(&found)) {
        co_return outcome_of(*failure);
    }
    const auto& view = std::get<std::optional<FulfillmentView>>(found);
    Outcome outcome = view ? with_view(OutcomeKind::done, *view) : ended(OutcomeKind::done, "");
    outcome.payload["found"] = view.has_value();
    co_return outcome;
}

awaitable<Outcome> WarehouseActivities::poll(const json& payload, CallScope& scope) {
    const runtime::Instant since = runtime::parse_rfc3339(text(payload, "changed_since")).value();
    ChangesOutcome result = co_await warehouse_.changes_since(since, scope);
    if (const auto* failure = std::get_if<Failure>(&result)) {
        co_return outcome_of(*failure);
    }
    Changes& changes = std::get<Changes>(result);
    const auto changed_at = [since](const FulfillmentView& view) {
        return std::max(since, view.changed_at.value_or(since));
    };
    std::sort(changes.views.begin(), changes.views.end(), [&](const FulfillmentView& a, const FulfillmentView& b) {
        return std::pair(changed_at(a), a.id) < std::pair(changed_at(b), b.id);
    });
    const std::string told_to = payload.value("told_to", "");
    json views = json::array();
    std::size_t bytes = 0;
    runtime::Instant until = changes.until;
    const FulfillmentView *last = nullptr, *rest = nullptr;
    for (const FulfillmentView& view : changes.views) {
        if (!told_to.empty() && changed_at(view) == since && view.id <= told_to) continue;
        json document = to_json(view);
        bytes += document.dump(-1, ' ', false, json::error_handler_t::replace).size() + 1;
        if (bytes > most_view_bytes && !views.empty()) {
            // The rest comes with the next poll: they are sorted by their last change.
            rest = &view;
            until = changed_at(view);
            break;
        }
        views.push_back(std::move(document));
        last = &view;
    }
    Outcome outcome = ended(OutcomeKind::done, "");
    outcome.payload = {
        {"views", std::move(views)}, {"changed_until", runtime::format_rfc3339(until)}, {"complete", rest == nullptr}};
    // More of them may have changed in one instant than one answer holds: the next begins behind the last of these.
    if (rest != nullptr && changed_at(*last) == until) outcome.payload["told_to"] = last->id;
    co_return outcome;
}

awaitable<Outcome> WarehouseActivities::read_stock(const json& payload, CallScope& scope) {
    std::vector<std::int64_t> item_ids;
    std::map<std::int64_t, json> sku_ids;
    for (const json& item : List(member(payload, "items"))) {
        const auto id = integer_of(item, "warehouse_item_id");
        if (!id) {
            continue;  // a SKU without an id at this warehouse has no stock to tell
        }
        item_ids.push_back(*id);
        sku_ids[*id] = member(item, "sku_id");
    }
    if (item_ids.empty() && !asks_for_all(payload)) {
        Outcome nothing = ended(OutcomeKind::done, "");
        nothing.payload["items"] = json::array();
        co_return nothing;
    }
    const StockOutcome result = co_await warehouse_.stock(std::move(item_ids), scope);
    if (const auto* failure = std::get_if<Failure>(&result)) {
        co_return outcome_of(*failure);
    }
    json items = json::array();
    for (const StockLevel& level : std::get<std::vector<StockLevel>>(result)) {
        if (!level.fulfillable || !level.on_hand) {
            continue;  // a missing figure is not zero
        }
        json entry{
            {"warehouse_item_id", std::to_string(level.item_id)},
            {"sku", level.sku},
            {"fulfillable", *level.fulfillable},
            {"on_hand", *level.on_hand}};
        const auto asked = sku_ids.find(level.item_id);
        if (asked != sku_ids.end() && !asked->second.is_null()) entry["sku_id"] = asked->second;
        items.push_back(std::move(entry));
    }
    if (items.size() > most_stock_rows) {
        Outcome outcome = ended(OutcomeKind::refused, "the answer is too large; ask for fewer items");
        outcome.payload["messages"] = json::array({outcome.reason});
        co_return outcome;
    }
    Outcome outcome = ended(OutcomeKind::done, "");
    outcome.payload["items"] = std::move(items);
    co_return outcome;
}

}  // namespace ordersaga::activities::wms
