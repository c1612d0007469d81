#include "activities/wms/shipbob/shipbob.hpp"

#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "runtime/http_client.hpp"
#include "runtime/planted.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ordersaga::activities::wms::shipbob {

using boost::asio::awaitable;
using nlohmann::json;

namespace {

// A page holds 250 rows; this many pages are more than a merchant's catalogue, and an end to a peer that loops.
constexpr std::size_t most_pages = 200;
constexpr std::size_t most_remembered = 200'000;
constexpr std::size_t ids_per_question = 100;

SubmitOutcome judge_existing(const FulfillmentRequest& request, FulfillmentView view) {
    if (std::string why = difference(request, view); !why.empty() && !runtime::planted("other_order_taken_as_ours")) {
        return Conflict{std::move(view), std::move(why)};
    }
    return AlreadyDone{std::move(view)};
}

std::string join(const std::vector<std::int64_t>& ids) {
    std::string text;
    for (const std::int64_t id : ids) {
        text += (text.empty() ? "" : ",") + std::to_string(id);
    }
    return text;
}

// What the order's state alone says about a cancel; nullopt: it has to be tried.
std::optional<CancelOutcome> decided_by_state(const FulfillmentView& view, bool after_cancel) {
    if (view.state == FulfillmentState::cancelled) {
        if (after_cancel) return CancelOutcome(Cancelled{view});
        return CancelOutcome(AlreadyDone{view});
    }
    const bool any_cancelled = std::any_of(
        view.shipments.begin(), view.shipments.end(),
        [](const ShipmentView& shipment) { return shipment.state == FulfillmentState::cancelled; });
    if (view.cancellable == Cancellable::no) {
        if (any_cancelled) return CancelOutcome(PartlyCancelled{view});
        return CancelOutcome(TooLate{view});
    }
    if (after_cancel && any_cancelled) {
        const bool all_cancelled = std::all_of(
            view.shipments.begin(), view.shipments.end(),
            [](const ShipmentView& shipment) { return shipment.state == FulfillmentState::cancelled; });
        if (all_cancelled || runtime::planted("partly_taken_as_cancelled")) return CancelOutcome(Cancelled{view});
        return CancelOutcome(PartlyCancelled{view});
    }
    return std::nullopt;
}

}  // namespace

ShipBob::ShipBob(ShipBobSettings settings, runtime::HttpTransport& transport)
    : settings_(std::move(settings)), transport_(transport) {}

Capabilities ShipBob::capabilities() const {
    Capabilities capabilities;
    capabilities.duplicates = DuplicatePolicy::refuse;
    capabilities.find_by_reference = true;
    capabilities.stock_per_location = true;
    capabilities.partial_cancel = true;
    capabilities.signed_webhooks = true;
    return capabilities;
}

std::string ShipBob::url(const std::string& path) const {
    return settings_.base_url + "/" + settings_.api_version + path;
}

std::string ShipBob::next_url(const std::string& next) const {
    if (next.empty()) {
        return {};
    }
    if (next.rfind("/" + settings_.api_version + "/", 0) == 0) {
        return settings_.base_url + next;
    }
    const bool ours = next.rfind(settings_.base_url + "/", 0) == 0;
    return ours ? next : std::string();
}

awaitable<PeerAnswer> ShipBob::call(
    CallKind kind,
    std::string method,
    std::string target,
    std::string body,
    CallScope& scope) {
    PeerCall request;
    request.method = std::move(method);
    request.url = std::move(target);
    request.is_write = kind == CallKind::write;
    request.headers = {{"shipbob_channel_id", settings_.channel_id}, {"Accept", "application/json"}};
    if (!body.empty()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = std::move(body);
    }
    TokenHeader header{"Authorization", "Bearer "};
    PeerAnswer answer = co_await exchange(transport_, std::move(request), std::move(header), settings_.access, scope);
    note_budget(answer, scope.lane);
    co_return answer;
}

// --------------------------------------------------------------------------------------------------------- submit

awaitable<SubmitOutcome> ShipBob::submit(FulfillmentRequest request, bool lookup_first, CallScope& scope) {
    if (lookup_first && !runtime::planted("lookup_skipped")) {
        FindOutcome found = co_await find(request.reference, scope);
        if (auto* failure = std::get_if<Failure>(&found)) {
            co_return *failure;
        }
        if (auto& view = std::get<std::optional<FulfillmentView>>(found)) {
            co_return judge_existing(request, std::move(*view));
        }
    }
    std::vector<std::string> unresolved;
    for (const RequestLine& line : request.lines) {
        if (!line.item_id && !line.sku.empty()) {
            unresolved.push_back(line.sku);
        }
    }
    if (!unresolved.empty()) {
        ResolveOutcome resolved = co_await resolve(std::move(unresolved), scope);
        if (auto* failure = std::get_if<Failure>(&resolved)) {
            co_return *failure;
        }
        for (RequestLine& line : request.lines) {
            const auto known = by_sku_.find(line.sku);
            if (!line.item_id && known != by_sku_.end()) {
                line.item_id = known->second.item_id;
            }
        }
    }
    if (std::vector<FieldProblem> faults = faults_of(request); !faults.empty()) {
        const std::string reason = faults.front().field + " " + faults.front().message;
        co_return Failure(Permanent{0, std::move(faults), reason});
    }
    PeerAnswer answer = co_await call(CallKind::write, "POST", url("/order"), create_body(request), scope);
    SubmitOutcome outcome = co_await settle_submit(std::move(request), std::move(answer), scope);
    co_return outcome;
}

awaitable<SubmitOutcome> ShipBob::settle_submit(FulfillmentRequest request, PeerAnswer answer, CallScope& scope) {
    std::optional<Failure> failure = failure_of(CallKind::write, answer);
    if (!failure) {
        const std::optional<json> document = parse_peer_json(answer.body);
        std::optional<FulfillmentView> view = document ? read_order(*document) : std::nullopt;
        if (view && view->reference == request.reference) {
            co_return Created{std::move(*view)};
        }
        failure = unusable(CallKind::write, "no order with our reference in it");
    }
    // 422 stands for a repeated reference in one place and for other refusals elsewhere; only the lookup knows.
    const auto* permanent = std::get_if<Permanent>(&*failure);
    const bool refused = permanent != nullptr;
    const bool duplicate = refused && says_duplicate_reference(permanent->problems);
    const bool must_look = std::holds_alternative<OutcomeUnknown>(*failure) ||
                           (refused && (permanent->status == 422 || permanent->status == 409 || duplicate));
    if (!must_look) {
        co_return *failure;
    }
    FindOutcome found = co_await find(request.reference, scope);
    if (auto* view = std::get_if<std::optional<FulfillmentView>>(&found)) {
        if (*view) {
            co_return judge_existing(request, std::move(**view));
        }
        if (duplicate) {
            co_return Failure(OutcomeUnknown{"the reference is taken, but the order cannot be seen yet"});
        }
        co_return *failure;
    }
    if (refused) {
        co_return Failure(OutcomeUnknown{"refused, and the lookup by reference failed"});
    }
    co_return *failure;
}

// ---------------------------------------------------------------------------------------------------------- reads

awaitable<FindOutcome> ShipBob::find(std::string reference, CallScope& scope) {
    if (!is_valid_reference(reference)) {
        co_return Failure(Permanent{0, {{"reference", "is not valid"}}, "the reference is not valid"});
    }
    PeerAnswer answer = co_await call(
        CallKind::read, "GET", url("/order?ReferenceIds=" + runtime::percent_encode(reference)), "", scope);
    if (std::optional<Failure> failure = failure_of(CallKind::read, answer)) {
        // The list itself is never "not found": a 404 here is a wrong address, not a missing order.
        if (const auto* missing = std::get_if<NotFound>(&*failure)) {
            co_return Failure(AuthConfig{answer.status, "the order list is not there: " + missing->reason});
        }
        co_return *failure;
    }
    const std::optional<json> document = parse_peer_json(answer.body);
    std::optional<std::vector<FulfillmentView>> views = document ? read_orders(*document) : std::nullopt;
    if (!views) {
        co_return unusable(CallKind::read, "no list of orders");
    }
    // The peer's match may be wider than ours (case, prefixes).
    for (FulfillmentView& view : *views) {
        if (view.reference == reference) {
            co_return std::optional(std::move(view));
        }
    }
    co_return std::optional<FulfillmentView>();
}

awaitable<GetOutcome> ShipBob::get(std::string id, CallScope& scope) {
    PeerAnswer answer = co_await call(CallKind::read, "GET", url("/order/" + runtime::percent_encode(id)), "", scope);
    if (std::optional<Failure> failure = failure_of(CallKind::read, answer)) {
        co_return *failure;
    }
    const std::optional<json> document = parse_peer_json(answer.body);
    std::optional<FulfillmentView> view = document ? read_order(*document) : std::nullopt;
    if (!view) {
        co_return unusable(CallKind::read, "no order");
    }
    co_return std::move(*view);
}

awaitable<GetOutcome> ShipBob::get_or_find(std::string id, std::string reference, CallScope& scope) {
    if (!id.empty()) {
        GetOutcome got = co_await get(id, scope);
        const auto* failure = std::get_if<Failure>(&got);
        const bool missing = failure != nullptr && std::holds_alternative<NotFound>(*failure);
        if (!missing || reference.empty()) {
            co_return got;
        }
    }
    FindOutcome found = co_await find(std::move(reference), scope);
    if (auto* failure = std::get_if<Failure>(&found)) {
        co_return *failure;
    }
    auto& view = std::get<std::optional<FulfillmentView>>(found);
    if (!view) {
        co_return Failure(NotFound{"the warehouse knows no such reference"});
    }
    co_return std::move(*view);
}

// --------------------------------------------------------------------------------------------------------- cancel

awaitable<CancelOutcome> ShipBob::cancel(std::string id, std::string reference, CallScope& scope) {
    GetOutcome before = co_await get_or_find(std::move(id), reference, scope);
    if (auto* failure = std::get_if<Failure>(&before)) {
        co_return *failure;
    }
    const FulfillmentView view = std::get<FulfillmentView>(std::move(before));
    if (!reference.empty() && !view.reference.empty() && view.reference != reference) {
        co_return Failure(Permanent{0, {{"reference", "belongs to another order"}}, "the order has another reference"});
    }
    if (std::optional<CancelOutcome> decided = decided_by_state(view, false)) {
        co_return *decided;
    }
    PeerAnswer answer = co_await call(
        CallKind::write, "POST", url("/order/" + runtime::percent_encode(view.id) + ":cancel"), "", scope);
    const std::optional<Failure> failure = failure_of(CallKind::write, answer);
    const bool nothing_sent = failure && !std::holds_alternative<OutcomeUnknown>(*failure) &&
                              !std::holds_alternative<Permanent>(*failure) &&
                              !std::holds_alternative<NotFound>(*failure);
    if (nothing_sent) {
        co_return *failure;
    }
    // Neither a 200 nor a 422 says what became of the order; its state does.
    GetOutcome after = co_await get(view.id, scope);
    if (std::holds_alternative<Failure>(after)) {
        co_return Failure(OutcomeUnknown{"the cancel was sent, and the order could not be read after it"});
    }
    FulfillmentView now = std::get<FulfillmentView>(std::move(after));
    if (std::optional<CancelOutcome> decided = decided_by_state(now, true)) {
        co_return *decided;
    }
    if (failure && std::holds_alternative<OutcomeUnknown>(*failure)) {
        co_return *failure;
    }
    if (failure) {
        co_return TooLate{std::move(now)};  // refused by the warehouse, and the order is alive
    }
    const std::optional<json> document = parse_peer_json(answer.body);
    const CancelAnswer told = document ? read_cancel_answer(*document) : CancelAnswer{};
    if (told.result == CancelAnswer::Result::failure) {
        co_return TooLate{std::move(now)};
    }
    if (told.result == CancelAnswer::Result::partial) {
        co_return PartlyCancelled{std::move(now)};
    }
    co_return Failure(OutcomeUnknown{"the cancel was taken, and the order does not show it yet"});
}

// ------------------------------------------------------------------------------------------- catalogue and stock

void ShipBob::remember(const CatalogueItem& item) {
    if (by_sku_.size() >= most_remembered) {
        by_sku_.clear();
        by_item_.clear();
        item_of_inventory_.clear();
    }
    by_sku_[item.sku] = item;
    by_item_[item.item_id] = item;
    if (item.inventory_id) {
        item_of_inventory_[*item.inventory_id] = item.item_id;
    }
}

awaitable<ShipBob::Pages> ShipBob::read_pages(std::string target, CallScope& scope) {
    Pages pages;
    while (!target.empty() && pages.bodies.size() < most_pages) {
        PeerAnswer answer = co_await call(CallKind::read, "GET", target, "", scope);
        if (std::optional<Failure> failure = failure_of(CallKind::read, answer)) {
            pages.failure = std::move(failure);
            co_return pages;
        }
        const std::optional<json> document = parse_peer_json(answer.body);
        if (!document || (!document->is_array() && !member(*document, "items").is_array())) {
            pages.failure = unusable(CallKind::read, "no list");
            co_return pages;
        }
        target = next_url(text_of(*document, "next"));
        pages.bodies.push_back(std::move(answer.body));
    }
    co_return pages;
}

awaitable<ResolveOutcome> ShipBob::resolve(std::vector<std::string> skus, CallScope& scope) {
    std::sort(skus.begin(), skus.end());
    skus.erase(std::unique(skus.begin(), skus.end()), skus.end());
    Resolution resolution;
    for (const std::string& sku : skus) {
        if (!by_sku_.contains(sku)) {
            Pages pages = co_await read_pages(url("/product?PageSize=250&SKU=" + runtime::percent_encode(sku)), scope);
            if (pages.failure) {
                co_return *pages.failure;
            }
            for (const std::string& body : pages.bodies) {
                const json page = parse_peer_json(body).value_or(nullptr);
                for (const json& product : List(page)) {
                    for (const CatalogueItem& item : read_product(product)) {
                        remember(item);
                    }
                }
            }
        }
        if (const auto known = by_sku_.find(sku); known != by_sku_.end()) {
            resolution.found.push_back({sku, known->second.item_id});
        } else {
            resolution.missing.push_back(sku);
        }
    }
    co_return resolution;
}

// Fills the catalogue for the ids that are not in it: one by one when they are few, else all of it.
awaitable<std::optional<Failure>> ShipBob::learn_items(const std::vector<std::int64_t>& item_ids, CallScope& scope) {
    std::vector<std::int64_t> unknown;
    for (const std::int64_t id : item_ids) {
        if (!by_item_.contains(id)) {
            unknown.push_back(id);
        }
    }
    if (item_ids.empty() || unknown.size() > 3) {
        Pages pages = co_await read_pages(url("/product?PageSize=250"), scope);
        if (pages.failure) {
            co_return pages.failure;
        }
        for (const std::string& body : pages.bodies) {
            const json page = parse_peer_json(body).value_or(nullptr);
            for (const json& product : List(page)) {
                for (const CatalogueItem& item : read_product(product)) {
                    remember(item);
                }
            }
        }
        co_return std::nullopt;
    }
    for (const std::int64_t id : unknown) {
        PeerAnswer answer = co_await call(CallKind::read, "GET", url("/product/" + std::to_string(id)), "", scope);
        if (std::optional<Failure> failure = failure_of(CallKind::read, answer)) {
            if (std::holds_alternative<NotFound>(*failure)) {
                continue;
            }
            co_return failure;
        }
        const std::optional<json> product = parse_peer_json(answer.body);
        for (const CatalogueItem& item : read_product(product ? *product : json())) {
            remember(item);
        }
    }
    co_return std::nullopt;
}

awaitable<StockOutcome> ShipBob::stock(std::vector<std::int64_t> item_ids, CallScope& scope) {
    const std::optional<Failure> not_learned = co_await learn_items(item_ids, scope);
    if (not_learned) {
        co_return *not_learned;
    }
    std::vector<std::string> questions;
    std::vector<std::int64_t> inventory_ids;
    for (const std::int64_t id : item_ids) {
        const auto known = by_item_.find(id);
        if (known != by_item_.end() && known->second.inventory_id) {
            inventory_ids.push_back(*known->second.inventory_id);
        }
    }
    for (std::size_t begin = 0; begin < inventory_ids.size(); begin += ids_per_question) {
        const auto first = inventory_ids.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto last = inventory_ids.begin() +
                          static_cast<std::ptrdiff_t>(std::min(begin + ids_per_question, inventory_ids.size()));
        questions.push_back("&InventoryIds=" + join({first, last}));
    }
    if (item_ids.empty()) {
        questions.emplace_back();
    }
    std::vector<StockLevel> levels;
    for (const std::string& question : questions) {
        Pages pages = co_await read_pages(url("/inventory-level?PageSize=250" + question), scope);
        if (pages.failure) {
            co_return *pages.failure;
        }
        for (const std::string& body : pages.bodies) {
            const std::optional<json> page = parse_peer_json(body);
            for (InventoryRow& row : read_inventory(page ? *page : json())) {
                const auto item = item_of_inventory_.find(row.inventory_id);
                if (item == item_of_inventory_.end()) {
                    continue;
                }
                row.level.item_id = item->second;
                const bool wanted =
                    item_ids.empty() || std::find(item_ids.begin(), item_ids.end(), item->second) != item_ids.end();
                if (wanted) {
                    levels.push_back(std::move(row.level));
                }
            }
        }
    }
    co_return levels;
}

// -------------------------------------------------------------------------------------------------------- changes

awaitable<ChangesOutcome> ShipBob::changes_since(runtime::Instant since, CallScope& scope) {
    constexpr std::size_t page_size = 250;
    Changes changes;
    changes.until = since;
    for (std::size_t page = 1; page <= most_pages; ++page) {
        PeerAnswer answer = co_await call(
            CallKind::read, "GET",
            url("/order?Page=" + std::to_string(page) + "&Limit=" + std::to_string(page_size) +
                "&SortOrder=Oldest&LastUpdateStartDate=" + runtime::percent_encode(runtime::format_rfc3339(since))),
            "", scope);
        if (std::optional<Failure> failure = failure_of(CallKind::read, answer)) {
            co_return *failure;
        }
        const std::optional<json> document = parse_peer_json(answer.body);
        std::optional<std::vector<FulfillmentView>> views = document ? read_orders(*document) : std::nullopt;
        if (!views) {
            co_return unusable(CallKind::read, "no list of orders");
        }
        const std::size_t rows = List(*document).size();
        std::move(views->begin(), views->end(), std::back_inserter(changes.views));
        if (rows < page_size || runtime::planted("last_page_lost")) {
            break;
        }
    }
    std::stable_sort(changes.views.begin(), changes.views.end(), [](const auto& a, const auto& b) {
        return a.changed_at.value_or(runtime::Instant{}) < b.changed_at.value_or(runtime::Instant{});
    });
    // The peer's own stamps, never our clock: what it changes later carries a later stamp.
    if (!changes.views.empty() && changes.views.back().changed_at) {
        changes.until = std::max(since, *changes.views.back().changed_at);
    }
    co_return changes;
}

}  // namespace ordersaga::activities::wms::shipbob
