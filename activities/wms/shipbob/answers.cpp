#include "activities/wms/shipbob/answers.hpp"

#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/retry_after.hpp"
#include "runtime/planted.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

namespace ordersaga::activities::wms::shipbob {

using nlohmann::json;

namespace {

constexpr std::size_t most_problems = 20;

std::string joined(const std::vector<FieldProblem>& problems) {
    std::string text;
    for (const FieldProblem& problem : problems) {
        text += text.empty() ? "" : "; ";
        text += problem.field.empty() ? problem.message : problem.field + ": " + problem.message;
    }
    return shown(text, 400);
}

std::chrono::milliseconds wait_asked_for(const PeerAnswer& answer) {
    for (const std::string_view name : {"x-retry-after", "Retry-After"}) {
        if (runtime::planted("peers_retry_after_ignored")) break;
        if (const auto wait = parse_retry_after(answer.header(name), std::chrono::system_clock::now())) {
            return std::max(*wait, std::chrono::milliseconds(100));
        }
    }
    return std::chrono::seconds(5);
}

std::string told(const PeerAnswer& answer) {
    const std::string problems = joined(problems_in(answer.body));
    return "HTTP " + std::to_string(answer.status) + (problems.empty() ? "" : ": " + problems);
}

void add_messages(const std::string& field, const json& value, std::vector<FieldProblem>& problems) {
    if (problems.size() >= most_problems) {
        return;
    }
    if (value.is_array()) {
        for (const json& entry : value) {
            add_messages(field, entry, problems);
        }
        return;
    }
    if (const std::string text = text_of(value); !text.empty()) {
        problems.push_back({shown(field, 100), shown(text)});
    }
}

}  // namespace

std::vector<FieldProblem> problems_in(std::string_view body) {
    std::vector<FieldProblem> problems;
    const std::optional<json> document = parse_peer_json(body);
    if (!document || !document->is_object()) {
        return problems;
    }
    for (const std::string_view key : {"detail", "message", "title"}) {
        if (const std::string text = text_of(*document, key); !text.empty()) {
            problems.push_back({text_of(*document, "code"), shown(text)});
            return problems;
        }
    }
    for (const auto& [field, value] : document->items()) {
        add_messages(field == "errors" ? "" : field, value, problems);
        if (field == "errors" && value.is_object()) {
            for (const auto& [inner, messages] : value.items()) {
                add_messages(inner, messages, problems);
            }
        }
    }
    return problems;
}

bool says_duplicate_reference(const std::vector<FieldProblem>& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const FieldProblem& problem) {
        const std::string text = runtime::lower(problem.message);
        const bool reference =
            text.find("reference") != std::string::npos || runtime::lower(problem.field) == "referenceid";
        return reference && (text.find("existing") != std::string::npos ||
                             text.find("duplicate") != std::string::npos || text.find("already") != std::string::npos);
    });
}

std::optional<Failure> failure_of(CallKind kind, const PeerAnswer& answer) {
    const bool write = kind == CallKind::write;
    switch (answer.kind) {
        case PeerAnswer::Kind::not_sent: return Failure(Retryable{"not sent: " + shown(answer.error)});
        case PeerAnswer::Kind::expired: return Failure(Expired{"not sent: " + shown(answer.error)});
        case PeerAnswer::Kind::no_token: return Failure(AuthConfig{0, shown(answer.error)});
        case PeerAnswer::Kind::unknown:
            if (write) return Failure(OutcomeUnknown{"no answer: " + shown(answer.error)});
            return Failure(Retryable{"no answer: " + shown(answer.error)});
        case PeerAnswer::Kind::response: break;
    }
    const int status = answer.status;
    if (status >= 200 && status < 300) return std::nullopt;
    if (status == 429) return Failure(Throttled{wait_asked_for(answer), told(answer)});
    if (status >= 500) {
        if (write && !runtime::planted("failed_write_taken_as_undone")) return Failure(OutcomeUnknown{told(answer)});
        if (status == 503 && !answer.header("Retry-After").empty()) {
            return Failure(Throttled{wait_asked_for(answer), told(answer)});
        }
        return Failure(Retryable{told(answer)});
    }
    if (status == 408 || status == 425) return Failure(Retryable{told(answer)});
    if (status == 404 || status == 410) return Failure(NotFound{told(answer)});
    // A redirect means that this is not the API we were told of; nobody follows it with a token in hand.
    if (status == 401 || status == 402 || status == 403 || status == 423 || status < 400) {
        return Failure(AuthConfig{status, told(answer)});
    }
    return Failure(Permanent{status, problems_in(answer.body), told(answer)});
}

Failure unusable(CallKind kind, std::string_view what) {
    const std::string reason = "the answer cannot be used: " + std::string(what);
    if (kind == CallKind::write) return OutcomeUnknown{reason};
    return Retryable{reason};
}

void note_budget(const PeerAnswer& answer, LaneReport& lane) {
    for (const std::string_view name : {"x-remaining-calls", "X-RateLimit-Remaining"}) {
        const std::string text(answer.header(name));
        if (const auto remaining = integer_of(json(text)); remaining && *remaining >= 0) {
            lane.remaining_calls = *remaining;
            return;
        }
    }
    if (answer.kind == PeerAnswer::Kind::response && answer.status == 429) {
        lane.remaining_calls = 0;
    }
}

// ------------------------------------------------------------------------------------------------------ documents

namespace {

bool has(const std::vector<std::int64_t>& ids, std::int64_t low, std::int64_t high) {
    return std::any_of(ids.begin(), ids.end(), [&](std::int64_t id) { return id >= low && id <= high; });
}

std::vector<std::int64_t> detail_ids_of(const json& shipment) {
    static const std::map<std::string, std::int64_t> by_name{
        {"Picked", 100},
        {"Packed", 101},
        {"Labeled", 102},
        {"InTransit", 201},
        {"OutForDelivery", 202},
        {"Delivered", 203},
        {"DeliveryException", 204},
        {"OutOfStock", 303},
        {"InventoryPartiallyCommitted", 308}};
    std::vector<std::int64_t> ids;
    for (const json& detail : List(member(shipment, "status_details"))) {
        if (const auto id = integer_of(detail, "id"); id && *id != 0) {
            ids.push_back(*id);
        } else if (const auto named = by_name.find(text_of(detail, "name")); named != by_name.end()) {
            ids.push_back(named->second);
        }
    }
    return ids;
}

Tracking read_tracking(const json& document) {
    return {
        shown(text_of(document, "carrier"), 100), shown(text_of(document, "tracking_number"), 200),
        shown(text_of(document, "tracking_url"), 1000)};
}

void read_trackings(const json& value, std::vector<Tracking>& trackings) {
    const json list = value.is_object() ? json::array({value}) : List(value).elements();
    for (const json& entry : list) {
        Tracking tracking = read_tracking(entry);
        if (!tracking.number.empty()) {
            trackings.push_back(std::move(tracking));
        }
    }
}

ViewLine read_line(const json& product) {
    ViewLine line;
    line.item_id = integer_of(product, "id");
    line.sku = text_of(product, "sku");
    if (line.sku.empty()) {
        line.sku = text_of(product, "reference_id");
    }
    line.quantity = integer_of(product, "quantity").value_or(0);
    // A shipment names its quantities per stock item, not per product.
    if (!product.contains("quantity")) {
        for (const json& item : List(member(product, "inventory_items"))) {
            const std::int64_t more = integer_of(item, "quantity").value_or(0);
            // A sum beyond 64 bits is no quantity; nothing is added then.
            if (std::int64_t sum = 0; !__builtin_add_overflow(line.quantity, more, &sum)) line.quantity = sum;
        }
    }
    return line;
}

std::vector<ViewLine> read_lines(const json& products) {
    std::vector<ViewLine> lines;
    for (const json& product : List(products)) {
        lines.push_back(read_line(product));
    }
    return lines;
}

void read_problems(const json& shipment, FulfillmentState state, std::vector<Problem>& problems) {
    if (state != FulfillmentState::backordered && state != FulfillmentState::needs_attention &&
        state != FulfillmentState::on_hold && state != FulfillmentState::delivery_problem) {
        return;
    }
    for (const json& detail : List(member(shipment, "status_details"))) {
        Problem problem;
        problem.code = shown(text_of(detail, "name"), 100);
        problem.text = shown(text_of(detail, "description"));
        problem.retriable = state == FulfillmentState::backordered;
        problems.push_back(std::move(problem));
    }
}

std::optional<runtime::Instant> instant_of(const json& object, std::string_view key) {
    const runtime::Result<runtime::Instant> parsed = runtime::parse_rfc3339(text_of(object, key));
    if (!parsed.ok()) {
        return std::nullopt;
    }
    return *parsed;
}

void note_change(std::optional<runtime::Instant> instant, std::optional<runtime::Instant>& latest) {
    if (instant && (!latest || *latest < *instant)) {
        latest = instant;
    }
}

Recipient read_recipient(const json& document) {
    const json& address = member(document, "address");
    return {
        text_of(document, "name"),
        text_of(document, "email"),
        text_of(document, "phone_number"),
        {text_of(address, "address1"), text_of(address, "address2"), text_of(address, "city"),
         text_of(address, "company_name"), text_of(address, "state"), text_of(address, "zip_code"),
         text_of(address, "country")}};
}

FulfillmentState state_of_order(std::string_view status, const std::vector<ShipmentView>& shipments) {
    const auto any = [&](FulfillmentState state) {
        return std::any_of(shipments.begin(), shipments.end(), [&](const auto& s) { return s.state == state; });
    };
    const auto all_live = [&](FulfillmentState state) {
        return any(state) && std::all_of(shipments.begin(), shipments.end(), [&](const auto& s) {
                   return s.state == state || s.state == FulfillmentState::cancelled;
               });
    };
    if (status == "Cancelled") return FulfillmentState::cancelled;
    if (status == "Fulfilled") {
        if (any(FulfillmentState::delivery_problem)) return FulfillmentState::delivery_problem;
        return all_live(FulfillmentState::delivered) ? FulfillmentState::delivered : FulfillmentState::shipped;
    }
    if (status == "PartiallyFulfilled") return FulfillmentState::partly_shipped;
    if (status == "Exception") {
        return any(FulfillmentState::backordered) ? FulfillmentState::backordered : FulfillmentState::needs_attention;
    }
    if (status == "Processing" || status == "ImportReview") {
        if (any(FulfillmentState::on_hold)) return FulfillmentState::on_hold;
        return any(FulfillmentState::in_progress) ? FulfillmentState::in_progress : FulfillmentState::accepted;
    }
    return FulfillmentState::unknown;
}

}  // namespace

FulfillmentState state_of_shipment(std::string_view status, const std::vector<std::int64_t>& details) {
    if (status == "None" || status == "Processing" || status == "ImportReview") {
        return has(details, 100, 102) ? FulfillmentState::in_progress : FulfillmentState::accepted;
    }
    if (status == "LabeledCreated") return FulfillmentState::in_progress;
    if (status == "Completed") {
        if (has(details, 204, 204)) return FulfillmentState::delivery_problem;
        return has(details, 203, 203) ? FulfillmentState::delivered : FulfillmentState::shipped;
    }
    if (status == "Exception") {
        const bool short_of_stock = has(details, 303, 303) || has(details, 308, 308);
        return short_of_stock ? FulfillmentState::backordered : FulfillmentState::needs_attention;
    }
    if (status == "OnHold") return FulfillmentState::on_hold;
    if (status == "Cancelled") return FulfillmentState::cancelled;
    if (status == "CleanSweeped") return FulfillmentState::needs_attention;
    return FulfillmentState::unknown;
}

std::optional<bool> shipment_can_be_cancelled(std::string_view status, const std::vector<std::int64_t>& details) {
    if (status == "Completed" || status == "LabeledCreated") return false;
    if (status == "None" || status == "Processing" || status == "ImportReview") return !has(details, 100, 102);
    if (status == "Exception" || status == "OnHold" || status == "Cancelled" || status == "CleanSweeped") return true;
    return std::nullopt;
}

std::optional<FulfillmentView> read_order(const json& document) {
    FulfillmentView view;
    view.id = text_of(document, "id");
    if (view.id.empty()) {
        return std::nullopt;
    }
    view.reference = text_of(document, "reference_id");
    view.peer_state = shown(text_of(document, "status"), 100);
    view.lines = read_lines(member(document, "products"));
    view.recipient = read_recipient(member(document, "recipient"));
    note_change(instant_of(document, "created_date"), view.changed_at);
    bool too_late = false;
    bool uncertain = false;
    for (const json& entry : List(member(document, "shipments"))) {
        ShipmentView shipment;
        shipment.id = text_of(entry, "id");
        shipment.peer_state = shown(text_of(entry, "status"), 100);
        const std::vector<std::int64_t> details = detail_ids_of(entry);
        shipment.state = state_of_shipment(shipment.peer_state, details);
        for (const std::int64_t id : details) {
            shipment.details.push_back(std::to_string(id));
        }
        shipment.location = shown(text_of(member(entry, "location"), "name"), 100);
        read_trackings(member(entry, "tracking"), shipment.tracking);
        shipment.lines = read_lines(member(entry, "products"));
        read_problems(entry, shipment.state, view.problems);
        note_change(instant_of(entry, "last_update_at"), view.changed_at);
        note_change(instant_of(entry, "last_tracking_update_at"), view.changed_at);
        const std::optional<bool> open = shipment_can_be_cancelled(shipment.peer_state, details);
        too_late = too_late || (open && !*open);
        uncertain = uncertain || !open;
        view.shipments.push_back(std::move(shipment));
    }
    view.state = state_of_order(view.peer_state, view.shipments);
    too_late = too_late || view.state == FulfillmentState::shipped || view.state == FulfillmentState::delivered ||
               view.state == FulfillmentState::partly_shipped || view.state == FulfillmentState::delivery_problem;
    if (too_late) {
        view.cancellable = Cancellable::no;
    } else if (view.state == FulfillmentState::unknown || uncertain) {
        view.cancellable = Cancellable::unknown;
    } else {
        view.cancellable = view.state == FulfillmentState::cancelled ? Cancellable::no : Cancellable::yes;
    }
    return view;
}

std::optional<std::vector<FulfillmentView>> read_orders(const json& document) {
    if (!document.is_array() && !member(document, "items").is_array()) {
        return std::nullopt;
    }
    std::vector<FulfillmentView> views;
    for (const json& entry : List(document)) {
        if (std::optional<FulfillmentView> view = read_order(entry)) {
            views.push_back(std::move(*view));
        }
    }
    return views;
}

CancelAnswer read_cancel_answer(const json& document) {
    CancelAnswer answer;
    const std::string status = text_of(document, "status");
    const List shipments(member(document, "canceled_shipment_results"));
    std::size_t cancelled = 0;
    for (const json& shipment : shipments) {
        // The action is a name in the specification and was seen as a number; only is_success decides.
        if (flag_of(shipment, "is_success")) {
            ++cancelled;
        } else {
            answer.reasons.push_back(shown(text_of(shipment, "reason")));
        }
    }
    const bool all = cancelled == shipments.size();
    if (status == "Success") {
        answer.result = all ? CancelAnswer::Result::success : CancelAnswer::Result::partial;
    } else if (status == "PartialSuccess" || (cancelled > 0 && !all)) {
        answer.result = CancelAnswer::Result::partial;
    } else if (status == "Failure") {
        answer.result = CancelAnswer::Result::failure;
    }
    return answer;
}

std::vector<CatalogueItem> read_product(const json& document) {
    std::vector<CatalogueItem> items;
    const std::optional<std::int64_t> product_id = integer_of(document, "id");
    const List variants(member(document, "variants"));
    for (const json& variant : variants) {
        CatalogueItem item;
        item.sku = text_of(variant, "sku");
        item.inventory_id = integer_of(member(variant, "inventory"), "inventory_id");
        // An order names a product. A product with several variants has one old product id for each of them.
        std::optional<std::int64_t> id = product_id;
        if (variants.size() > 1) {
            std::set<std::int64_t> legacy;
            for (const json& channel : List(member(variant, "channel_metadata"))) {
                if (const auto value = integer_of(channel, "legacy_product_id"); value && *value > 0) {
                    legacy.insert(*value);
                }
            }
            id = legacy.size() == 1 ? std::optional(*legacy.begin()) : std::nullopt;
        }
        if (id && !item.sku.empty()) {
            item.item_id = *id;
            items.push_back(std::move(item));
        }
    }
    return items;
}

std::vector<InventoryRow> read_inventory(const json& document) {
    std::vector<InventoryRow> rows;
    for (const json& entry : List(document)) {
        const std::optional<std::int64_t> id = integer_of(entry, "inventory_id");
        if (!id) {
            continue;
        }
        InventoryRow row;
        row.inventory_id = *id;
        row.level.sku = text_of(entry, "sku");
        row.level.fulfillable = integer_of(entry, "total_fulfillable_quantity");
        row.level.on_hand = integer_of(entry, "total_on_hand_quantity");
        row.level.committed = integer_of(entry, "total_committed_quantity");
        row.level.backordered = integer_of(entry, "total_backordered_quantity");
        row.level.awaiting = integer_of(entry, "total_awaiting_quantity");
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace ordersaga::activities::wms::shipbob
