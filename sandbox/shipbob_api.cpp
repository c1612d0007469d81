#include "sandbox/shipbob_api.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;

bool is_tracked(const WarehouseOrder& order) {
    return std::any_of(order.shipments.begin(), order.shipments.end(), [](const WarehouseShipment& shipment) {
        return !shipment.tracking_number.empty();
    });
}

std::optional<std::int64_t> whole_number(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::set<std::string> comma_list(const std::string& text) {
    std::set<std::string> words;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) {
            words.insert(text.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    return words;
}

PeerAnswer answer_of(const std::string& operation, bool is_write, int status, const json& body) {
    PeerAnswer answer;
    answer.operation = operation;
    answer.is_write = is_write;
    answer.status = status;
    answer.body = body.is_null() ? std::string() : runtime::dump_json(body);
    answer.refused = status >= 400;
    return answer;
}

// Orders' way to refuse: a map from field to messages; the key may be the empty string.
json complaint(const std::string& field, const std::string& message) {
    return json{{field, json::array({message})}};
}

json problem_details(int status, const std::string& title) {
    return {{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", title}, {"instance", ""}};
}

std::string text_of(const json& object, const std::string& key) {
    const json* member = runtime::find_member(object, key);
    return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

json status_detail(std::int64_t id, const std::string& name, const std::string& description) {
    return {
        {"id", id},
        {"name", name},
        {"description", description},
        {"inventory_id", nullptr},
        {"exception_fulfillment_center_id", nullptr},
        {"extra_information", nullptr},
    };
}

struct StageNames {
    const char* status;
    json details;
};

StageNames names_of(const WarehouseShipment& shipment) {
    switch (shipment.stage) {
        case ShipmentStage::processing: return {"Processing", json::array()};
        case ShipmentStage::picked:
            return {"Processing", json::array({status_detail(100, "Picked", "The shipment has been picked")})};
        case ShipmentStage::labelled: return {"LabeledCreated", json::array()};
        case ShipmentStage::shipped: return {"Completed", json::array({status_detail(201, "InTransit", "In transit")})};
        case ShipmentStage::delivered:
            return {"Completed", json::array({status_detail(203, "Delivered", "Delivered")})};
        case ShipmentStage::exception:
            return {
                "Exception",
                json::array(
                    {shipment.unknown_sku ? status_detail(304, "UnknownSku", "The SKU is not known")
                                          : status_detail(303, "OutOfStock", "There is not enough stock")})};
        case ShipmentStage::cancelled: return {"Cancelled", json::array()};
    }
    return {"None", json::array()};
}

json time_or_null(const std::optional<Instant>& instant) {
    return instant ? json(runtime::format_rfc3339(*instant)) : json(nullptr);
}

}  // namespace

std::string ShipbobRequest::argument(const std::string& name) const {
    for (const auto& [key, value] : query) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

// --- limits and routes -----------------------------------------------------------------------------------------------

std::optional<std::int64_t> ShipbobApi::seconds_until_free(Instant now) {
    const std::int64_t limit = warehouse_.settings().rate_limit_per_minute;
    const Instant window = now - std::chrono::minutes{1};
    while (!recent_.empty() && recent_.front() <= window) {
        recent_.pop_front();
    }
    if (limit <= 0) {
        return std::nullopt;
    }
    if (static_cast<std::int64_t>(recent_.size()) < limit) {
        recent_.push_back(now);
        return std::nullopt;
    }
    return 1 + std::chrono::duration_cast<std::chrono::seconds>(recent_.front() - window).count();
}

PeerAnswer ShipbobApi::throttled(std::int64_t retry_after_seconds) const {
    const std::string seconds = std::to_string(retry_after_seconds);
    PeerAnswer answer = answer_of(
        "throttled", false, 429,
        json{{"statusCode", 429}, {"message", "Rate limit is exceeded. Try again in " + seconds + " seconds."}});
    answer.headers.emplace_back("x-retry-after", seconds);
    answer.headers.emplace_back("x-remaining-calls", "0");
    return answer;
}

PeerAnswer ShipbobApi::handle(const ShipbobRequest& request, Instant now) {
    if (request.authorization != "Bearer " + warehouse_.settings().access_token) {
        return answer_of("unauthorized", false, 401, nullptr);
    }
    if (const auto wait = seconds_until_free(now)) {
        return throttled(*wait);
    }
    const std::size_t slash = request.path.find('/', 1);
    const std::string version = request.path.substr(0, slash);
    static const std::set<std::string> versions{"/2025-07", "/2026-01", "/2026-07"};
    PeerAnswer answer = versions.contains(version) && slash != std::string::npos
                            ? route(request, request.path.substr(slash + 1), now)
                            : answer_of("unknown_path", false, 404, nullptr);
    const std::int64_t limit = warehouse_.settings().rate_limit_per_minute;
    if (limit > 0)
        answer.headers.emplace_back(
            "x-remaining-calls", std::to_string(limit - static_cast<std::int64_t>(recent_.size())));
    return answer;
}

PeerAnswer ShipbobApi::route(const ShipbobRequest& request, const std::string& resource, Instant now) {
    const bool get = request.method == "GET";
    const bool post = request.method == "POST";
    const std::size_t slash = resource.find('/');
    const std::string head = resource.substr(0, slash);
    std::string rest = slash == std::string::npos ? std::string() : resource.substr(slash + 1);
    const bool cancelling = rest.size() > 7 && rest.compare(rest.size() - 7, 7, ":cancel") == 0;
    if (cancelling) {
        rest.resize(rest.size() - 7);
    }
    const auto id = whole_number(rest);

    if (resource == "order") {
        return post ? create_order(request, now) : list_orders(request, now);
    }
    if (head == "order" && id && cancelling && post) {
        return cancel_order(*id, now);
    }
    if (head == "order" && id && get) {
        const WarehouseOrder* order = warehouse_.order(*id);
        return order == nullptr ? answer_of("get_order", false, 404, nullptr)
                                : answer_of("get_order", false, 200, order_document(*order));
    }
    if (resource == "shipment:batchCancel" && post) {
        return batch_cancel(request, now);
    }
    if (head == "shipment" && id && cancelling && post) {
        return cancel_shipment(*id, now);
    }
    if (head == "shipment" && id && get) {
        const WarehouseOrder* order = warehouse_.order_of_shipment(*id);
        if (order == nullptr) {
            return answer_of("get_shipment", false, 404, nullptr);
        }
        const auto shipment =
            std::find_if(order->shipments.begin(), order->shipments.end(), [&](const auto& s) { return s.id == *id; });
        return answer_of("get_shipment", false, 200, shipment_document(*order, *shipment));
    }
    if (head == "inventory-level" && get) {
        const bool locations = rest == "locations" || (rest.size() > 10 && rest.ends_with("/locations"));
        if (id) {
            for (std::size_t index = 0; index < warehouse_.products().size(); ++index) {
                if (warehouse_.products()[index].inventory_id == *id) {
                    return answer_of("inventory_level", false, 200, level_document(index, now));
                }
            }
            return answer_of("inventory_level", false, 404, problem_details(404, "Not Found"));
        }
        return inventory_levels(request, locations, now);
    }
    if (head == "product" && get) {
        if (rest.empty()) {
            return products(request);
        }
        const auto product_id = whole_number(rest.substr(0, rest.find('/')));
        for (std::size_t index = 0; index < warehouse_.products().size(); ++index) {
            if (product_id && warehouse_.products()[index].product_id == *product_id) {
                const json product = product_document(index);
                const bool variants = rest.ends_with("/variants");
                return answer_of(
                    "get_product", false, 200,
                    variants ? json{{"items", product["variants"]}, {"next", nullptr}} : product);
            }
        }
        return answer_of("get_product", false, 404, problem_details(404, "Not Found"));
    }
    if (resource == "channel" && get) {
        return answer_of(
            "channels", false, 200,
            json{{"items", json::array({channel_document()})}, {"next", nullptr}, {"prev", nullptr}});
    }
    if (resource == "location" && get) {
        return answer_of(
            "locations", false, 200,
            json::array(
                {{{"id", 1},
                  {"name", warehouse_.settings().location_name},
                  {"abbreviation", "ZCI"},
                  {"is_active", true},
                  {"is_receiving_enabled", true},
                  {"is_shipping_enabled", true},
                  {"access_granted", true},
                  {"attributes", json::array()},
                  {"services", json::array()},
                  {"region", {{"id", 1}, {"name", "US"}}},
                  {"timezone", "America/Chicago"}}}));
    }
    if (resource == "shipping-method" && get) {
        json methods = json::array();
        for (const std::string& name : comma_list(warehouse_.settings().ship_methods)) {
            const auto number = static_cast<std::int64_t>(methods.size()) + 1;
            methods.push_back({
                {"id", number},
                {"name", name},
                {"active", true},
                {"default", number == 1},
                {"service_level", {{"id", number}, {"name", name}}},
            });
        }
        return answer_of("shipping_methods", false, 200, methods);
    }
    if (head == "webhook") {
        return webhooks(request, rest, now);
    }
    if (resource == "simulate/shipment" && post) {
        return simulate(request, now);
    }
    return answer_of("unknown_path", post, 404, nullptr);
}

// --- orders ----------------------------------------------------------------------------------------------------------

PeerAnswer ShipbobApi::create_order(const ShipbobRequest& request, Instant now) {
    const char* operation = "create_order";
    const auto parsed = runtime::parse_json(request.body);
    if (!parsed || !parsed->is_object()) {
        return answer_of(operation, true, 400, complaint("", "The request body is not valid JSON"));
    }
    const json& body = *parsed;
    if (whole_number(request.channel) != warehouse_.settings().channel_id) {
        return answer_of(
            operation, true, 400, complaint("shipbob_channel_id", "The channel id header is missing or not yours"));
    }
    const std::string reference = text_of(body, "reference_id");
    if (reference.empty() || reference.size() > 300) {
        return answer_of(
            operation, true, 400, complaint("ReferenceId", "The reference id must have 1 to 300 characters"));
    }
    for (const char* required : {"shipping_method", "type"}) {
        if (text_of(body, required).empty()) {
            return answer_of(operation, true, 400, complaint(required, "The field is required"));
        }
    }
    const json* recipient = runtime::find_member(body, "recipient");
    const json* address = recipient == nullptr ? nullptr : runtime::find_member(*recipient, "address");
    if (recipient == nullptr || text_of(*recipient, "name").empty() || address == nullptr ||
        text_of(*address, "address1").empty() || text_of(*address, "city").empty() ||
        text_of(*address, "country").size() != 2) {
        return answer_of(
            operation, true, 400, complaint("Recipient", "Name, address1, city and a two-letter country are required"));
    }
    const json* products = runtime::find_member(body, "products");
    std::vector<WantedWarehouseLine> lines;
    for (const auto& product : products != nullptr && products->is_array() ? *products : json::array()) {
        WantedWarehouseLine line;
        const json* id = runtime::find_member(product, "id");
        const json* quantity = runtime::find_member(product, "quantity");
        const json* external = runtime::find_member(product, "external_line_id");
        if (id != nullptr && id->is_number_integer()) {
            line.id = id->get<std::int64_t>();
        }
        line.reference = text_of(product, "reference_id");
        line.sku = text_of(product, "sku");
        line.name = text_of(product, "name");
        line.quantity = quantity != nullptr && quantity->is_number_integer() ? quantity->get<std::int64_t>() : 0;
        if (external != nullptr && external->is_number_integer()) {
            line.external_line_id = external->get<std::int64_t>();
        }
        if (line.quantity < 1 || (!line.id && (line.reference.empty() || line.name.empty()))) {
            return answer_of(
                operation, true, 400,
                complaint("Products", "Each product needs a quantity and an id, or a reference and a name"));
        }
        lines.push_back(std::move(line));
    }
    if (lines.empty()) {
        return answer_of(operation, true, 400, complaint("Products", "At least one product is required"));
    }
    Warehouse::CreateProblem problem = Warehouse::CreateProblem::none;
    std::string number = text_of(body, "order_number");
    const WarehouseOrder* order = warehouse_.create_order(
        reference, number.empty() ? reference : number, warehouse_.settings().channel_id, lines,
        runtime::dump_json(body), now, problem);
    if (problem == Warehouse::CreateProblem::duplicate_reference) {
        return answer_of(operation, true, 422, complaint("", "Cannot insert order with existing ReferenceId"));
    }
    if (order == nullptr) {
        return answer_of(operation, true, 422, complaint("Products", "A product id is not known"));
    }
    return answer_of(operation, true, 201, order_document(*order));
}

PeerAnswer ShipbobApi::list_orders(const ShipbobRequest& request, Instant now) {
    const std::set<std::string> references = comma_list(request.argument("ReferenceIds"));
    const std::set<std::string> ids = comma_list(request.argument("IDs"));
    const bool by_reference = !references.empty();
    std::optional<Instant> since;
    if (const std::string text = request.argument("LastUpdateStartDate"); !text.empty()) {
        const auto instant = runtime::parse_rfc3339(text);
        if (!instant) {
            return answer_of("list_orders", false, 400, complaint("LastUpdateStartDate", "Not a date"));
        }
        since = *instant;
    }
    const Instant visible = now - std::chrono::milliseconds{warehouse_.settings().lookup_lag_ms};
    const bool only_tracked = request.argument("HasTracking") == "true";
    std::vector<std::pair<std::int64_t, const WarehouseOrder*>>
        found;  // by id, beside it: many are sorted for each page
    const auto fits = [&](const WarehouseOrder& order) {
        return (!by_reference || order.created_at <= visible) &&
               (ids.empty() || ids.contains(std::to_string(order.id))) && (!since || order.changed_at >= *since) &&
               (!only_tracked || is_tracked(order));
    };
    if (by_reference) {
        for (const std::string& reference : references) {
            const WarehouseOrder* order = warehouse_.order_by_reference(reference);
            if (order != nullptr && fits(*order)) {
                found.emplace_back(order->id, order);
            }
        }
    } else if (since) {
        const auto& changes = warehouse_.changes();
        const auto from = std::lower_bound(
            changes.begin(), changes.end(), *since,
            [](const WarehouseChange& change, Instant limit) { return change.at < limit; });
        const bool all = ids.empty() && !only_tracked;  // nothing to look at in the order itself
        std::for_each(from, changes.end(), [&](const WarehouseChange& change) {
            if (change.order != nullptr && (all || fits(*change.order))) {
                found.emplace_back(change.order_id, change.order);
            }
        });
    } else {
        for (const auto& [id, order] : warehouse_.orders()) {
            if (fits(order)) {
                found.emplace_back(id, &order);
            }
        }
    }
    if (!std::is_sorted(found.begin(), found.end()))
        std::sort(found.begin(), found.end());  // it is, as long as all are new
    if (request.argument("SortOrder") != "Oldest") {
        std::reverse(found.begin(), found.end());
    }
    const std::int64_t page = std::max<std::int64_t>(whole_number(request.argument("Page")).value_or(1), 1);
    const std::int64_t limit = std::clamp<std::int64_t>(whole_number(request.argument("Limit")).value_or(50), 1, 250);
    json list = json::array();
    const auto total = static_cast<std::int64_t>(found.size());
    for (std::int64_t index = (page - 1) * limit; index < std::min(total, page * limit); ++index) {
        list.push_back(order_document(*found[static_cast<std::size_t>(index)].second));
    }
    return answer_of(by_reference ? "find_order" : "list_orders", false, 200, list);
}

PeerAnswer ShipbobApi::cancel_order(std::int64_t id, Instant now) {
    const char* operation = "cancel_order";
    const WarehouseOrder* order = warehouse_.order(id);
    if (order == nullptr) {
        return answer_of(operation, true, 404, nullptr);
    }
    if (order->cancelled()) {
        return answer_of(operation, true, 422, complaint("", "The order is cancelled already"));
    }
    const auto results = warehouse_.cancel(id, std::nullopt, now);
    json shipments = json::array();
    std::size_t done = 0;
    for (const auto& result : results) {
        done += result.done ? 1U : 0U;
        shipments.push_back({
            {"shipment_id", result.shipment_id},
            {"is_success", result.done},
            {"reason", result.reason},
            // A name in the specification, a number when it was observed: clients must take both.
            {"action", result.shipment_id % 2 == 0 ? json("Cancel") : json(6)},
        });
    }
    if (done == 0 && warehouse_.coin()) {
        return answer_of(operation, true, 422, complaint("", "The order can not be cancelled in its current status"));
    }
    const char* status = done == results.size() ? "Success" : (done == 0 ? "Failure" : "PartialSuccess");
    PeerAnswer answer = answer_of(
        operation, true, 200,
        json{
            {"order_id", id},
            {"status", status},
            {"order", order_document(*order)},
            {"canceled_shipment_results", shipments}});
    answer.refused = done == 0;
    return answer;
}

PeerAnswer ShipbobApi::cancel_shipment(std::int64_t id, Instant now) {
    const WarehouseOrder* order = warehouse_.order_of_shipment(id);
    if (order == nullptr) {
        return answer_of("cancel_shipment", true, 404, nullptr);
    }
    const auto results = warehouse_.cancel(order->id, id, now);
    if (results.empty() || !results.front().done) {
        return answer_of(
            "cancel_shipment", true, 422, complaint("", "The shipment can not be cancelled in its current status"));
    }
    const auto shipment =
        std::find_if(order->shipments.begin(), order->shipments.end(), [&](const auto& s) { return s.id == id; });
    return answer_of("cancel_shipment", true, 200, shipment_document(*order, *shipment));
}

PeerAnswer ShipbobApi::batch_cancel(const ShipbobRequest& request, Instant now) {
    const auto body = runtime::parse_json(request.body);
    const json* ids = body ? runtime::find_member(*body, "shipment_ids") : nullptr;
    if (ids == nullptr || !ids->is_array()) {
        return answer_of("batch_cancel", true, 422, complaint("shipment_ids", "The field is required"));
    }
    json results = json::array();
    for (const auto& id : *ids) {
        const std::int64_t shipment_id = id.is_number_integer() ? id.get<std::int64_t>() : 0;
        const WarehouseOrder* order = warehouse_.order_of_shipment(shipment_id);
        CancelResult result{shipment_id, false, "Shipment not found"};
        if (order != nullptr) {
            result = warehouse_.cancel(order->id, shipment_id, now).front();
        }
        results.push_back(
            {{"shipment_id", shipment_id},
             {"is_success", result.done},
             {"reason", result.reason},
             {"action", "Cancel"}});
    }
    return answer_of("batch_cancel", true, 200, json{{"results", results}});
}

PeerAnswer ShipbobApi::simulate(const ShipbobRequest& request, Instant now) {
    const auto body = runtime::parse_json(request.body);
    const json* shipment_id = body ? runtime::find_member(*body, "shipment_id") : nullptr;
    const json* simulation = body ? runtime::find_member(*body, "simulation") : nullptr;
    const WarehouseOrder* order = shipment_id != nullptr && shipment_id->is_number_integer()
                                      ? warehouse_.order_of_shipment(shipment_id->get<std::int64_t>())
                                      : nullptr;
    if (order == nullptr || simulation == nullptr) {
        return answer_of("simulate", true, 422, complaint("shipment_id", "No such shipment"));
    }
    // Acts on the whole order and at once: its `delay`, in minutes, is not waited for.
    const std::string action = text_of(*simulation, "action");
    const std::string reference = order->reference;
    const std::int64_t moved =
        action == "DeliverOrder" ? warehouse_.deliver(reference, now) : warehouse_.ship(reference, now);
    return answer_of("simulate", true, 200, json{{"simulation_id", warehouse_.next_uuid()}, {"moved", moved}});
}

// --- stock and products ----------------------------------------------------------------------------------------------

json ShipbobApi::level_document(std::size_t index, Instant now) const {
    const WarehouseProduct& product = warehouse_.products().at(index);
    const std::int64_t committed = warehouse_.visible_committed(index, now);
    const std::int64_t exception = warehouse_.exception_units(index);
    const std::int64_t fulfillable = std::max<std::int64_t>(product.on_hand - committed, 0);
    return {
        {"inventory_id", product.inventory_id},
        {"name", product.name},
        {"sku", product.sku},
        {"total_fulfillable_quantity", fulfillable},
        {"total_on_hand_quantity", product.on_hand},
        {"total_committed_quantity", committed},
        {"total_sellable_quantity", fulfillable},
        {"total_awaiting_quantity", 0},
        {"total_exception_quantity", exception},
        {"total_internal_transfer_quantity", 0},
        {"total_backordered_quantity", std::max<std::int64_t>(exception - fulfillable, 0)},
    };
}

PeerAnswer ShipbobApi::inventory_levels(const ShipbobRequest& request, bool per_location, Instant now) const {
    const std::set<std::string> ids = comma_list(request.argument("InventoryIds"));
    const std::string search = request.argument("SearchBy");
    const auto size = static_cast<std::size_t>(
        std::clamp<std::int64_t>(whole_number(request.argument("PageSize")).value_or(50), 1, 250));
    const auto skip =
        static_cast<std::size_t>(std::max<std::int64_t>(whole_number(request.argument("Cursor")).value_or(0), 0));
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < warehouse_.products().size(); ++index) {
        const WarehouseProduct& product = warehouse_.products()[index];
        const bool fits = (ids.empty() || ids.contains(std::to_string(product.inventory_id))) &&
                          (search.empty() || product.sku.find(search) != std::string::npos ||
                           product.name.find(search) != std::string::npos);
        if (fits) {
            found.push_back(index);
        }
    }
    json items = json::array();
    for (std::size_t position = skip; position < std::min(found.size(), skip + size); ++position) {
        json level = level_document(found[position], now);
        if (per_location) {
            level = {
                {"inventory_id", level["inventory_id"]},
                {"name", level["name"]},
                {"sku", level["sku"]},
                {"locations", json::array(
                                  {{{"location_id", 1},
                                    {"name", warehouse_.settings().location_name},
                                    {"fulfillable_quantity", level["total_fulfillable_quantity"]},
                                    {"on_hand_quantity", level["total_on_hand_quantity"]},
                                    {"committed_quantity", level["total_committed_quantity"]},
                                    {"awaiting_quantity", 0},
                                    {"internal_transfer_quantity", 0}}})},
            };
        }
        items.push_back(std::move(level));
    }
    json next = nullptr;
    if (skip + size < found.size()) {
        const std::string path =
            request.path.substr(0, request.path.find('/', 1)) + "/inventory-level" + (per_location ? "/locations" : "");
        next = path + "?PageSize=" + std::to_string(size) + "&Cursor=" + std::to_string(skip + size) +
               (ids.empty() ? "" : "&InventoryIds=" + request.argument("InventoryIds")) +
               (search.empty() ? "" : "&SearchBy=" + search);
    }
    return answer_of(
        "inventory_levels", false, 200,
        json{{"items", items}, {"first", nullptr}, {"prev", nullptr}, {"next", next}, {"last", nullptr}});
}

json ShipbobApi::product_document(std::size_t index) const {
    const WarehouseProduct& product = warehouse_.products().at(index);
    return {
        {"id", product.product_id},
        {"name", product.name},
        {"type", "Regular"},
        {"sku", product.sku},
        {"reference_id", product.reference},
        {"variants", json::array(
                         {{{"id", product.variant_id},
                           {"name", product.name},
                           {"sku", product.sku},
                           {"status", "Active"},
                           {"is_digital", false},
                           {"reference_id", product.reference},
                           {"inventory", {{"inventory_id", product.inventory_id}, {"on_hand_qty", product.on_hand}}},
                           {"channel_metadata", json::array(
                                                    {{{"channel_id", warehouse_.settings().channel_id},
                                                      {"legacy_product_id", product.product_id}}})}}})},
    };
}

PeerAnswer ShipbobApi::products(const ShipbobRequest& request) const {
    const std::set<std::string> skus = comma_list(request.argument("SKU"));
    const std::set<std::string> references = comma_list(request.argument("ReferenceIds"));
    const std::string search = request.argument("Search");
    const auto size = static_cast<std::size_t>(
        std::clamp<std::int64_t>(whole_number(request.argument("PageSize")).value_or(50), 1, 250));
    const auto skip =
        static_cast<std::size_t>(std::max<std::int64_t>(whole_number(request.argument("Cursor")).value_or(0), 0));
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < warehouse_.products().size(); ++index) {
        const WarehouseProduct& product = warehouse_.products()[index];
        const bool fits = (skus.empty() || skus.contains(product.sku)) &&
                          (references.empty() || references.contains(product.reference)) &&
                          (search.empty() || product.sku.find(search) != std::string::npos ||
                           product.name.find(search) != std::string::npos);
        if (fits) {
            found.push_back(index);
        }
    }
    json items = json::array();
    for (std::size_t position = skip; position < std::min(found.size(), skip + size); ++position) {
        items.push_back(product_document(found[position]));
    }
    json next = nullptr;
    if (skip + size < found.size()) {
        next = request.path.substr(0, request.path.find('/', 1)) + "/product?PageSize=" + std::to_string(size) +
               "&Cursor=" + std::to_string(skip + size) + (search.empty() ? "" : "&Search=" + search);
    }
    return answer_of(
        "products", false, 200,
        json{{"items", items}, {"first", nullptr}, {"prev", nullptr}, {"next", next}, {"last", nullptr}});
}

json ShipbobApi::channel_document() const {
    return {
        {"id", warehouse_.settings().channel_id},
        {"name", "Stand-in channel"},
        {"application_name", "SMA"},
        {"scopes", comma_list(warehouse_.settings().channel_scopes)},
    };
}

PeerAnswer ShipbobApi::webhooks(const ShipbobRequest& request, const std::string& rest, Instant now) {
    const auto document = [&](const ShipbobSubscription& subscription) {
        return json{
            {"id", std::to_string(subscription.id)},
            {"topics", subscription.topics},
            {"url", subscription.url},
            {"secret", subscription.secret},
            {"description", nullptr},
            {"created_at", runtime::format_rfc3339(now)},
        };
    };
    if (request.method == "GET") {
        json items = json::array();
        for (const auto& subscription : subscriptions_) {
            items.push_back(document(subscription));
        }
        return answer_of("webhooks", false, 200, json{{"items", items}, {"next", nullptr}});
    }
    if (request.method == "DELETE") {
        const auto id = whole_number(rest);
        const bool gone = std::erase_if(subscriptions_, [&](const auto& s) { return id && s.id == *id; }) > 0;
        return answer_of("delete_webhook", true, gone ? 204 : 404, nullptr);
    }
    const auto body = runtime::parse_json(request.body);
    const json* topics = body ? runtime::find_member(*body, "topics") : nullptr;
    if (topics == nullptr || !topics->is_array() || text_of(*body, "url").empty()) {
        return answer_of("create_webhook", true, 422, complaint("topics", "Topics and a url are required"));
    }
    ShipbobSubscription subscription;
    subscription.id = ++last_subscription_;
    for (const auto& topic : *topics) {
        subscription.topics.push_back(topic.is_string() ? topic.get<std::string>() : std::string());
    }
    subscription.url = text_of(*body, "url");
    subscription.secret =
        text_of(*body, "secret").empty() ? warehouse_.settings().webhook_secret : text_of(*body, "secret");
    subscriptions_.push_back(subscription);
    return answer_of("create_webhook", true, 200, document(subscription));
}

// --- documents -------------------------------------------------------------------------------------------------------

json ShipbobApi::shipment_document(const WarehouseOrder& order, const WarehouseShipment& shipment) const {
    const StageNames names = names_of(shipment);
    json products = json::array();
    for (const auto& line : shipment.lines) {
        const WarehouseProduct& product = warehouse_.products().at(line.product);
        products.push_back({
            {"id", product.product_id},
            {"reference_id", product.reference},
            {"sku", product.sku},
            {"name", product.name},
            {"inventory_items", json::array(
                                    {{{"id", product.inventory_id},
                                      {"name", product.name},
                                      {"quantity", line.quantity},
                                      {"quantity_committed", line.committed},
                                      {"lot", nullptr},
                                      {"expiration_date", nullptr},
                                      {"serial_numbers", json::array()},
                                      {"is_dangerous_goods", false}}})},
        });
    }
    json tracking = nullptr;
    if (!shipment.tracking_number.empty()) {
        tracking = {
            {"carrier", "USPS"},
            {"carrier_service", "Priority"},
            {"tracking_number", shipment.tracking_number},
            {"tracking_url", "https://www.example.com/tracking?id=" + shipment.tracking_number},
            {"shipping_date", time_or_null(shipment.shipped_at)},
            {"bol", nullptr},
            {"pro_number", nullptr},
            {"scac", nullptr},
        };
    }
    const json request = json::parse(order.document);
    return {
        {"id", shipment.id},
        {"order_id", order.id},
        {"reference_id", order.reference},
        {"status", names.status},
        {"status_details", names.details},
        {"location", shipment.stage == ShipmentStage::exception
                         ? json(nullptr)
                         : json{{"id", 1}, {"name", warehouse_.settings().location_name}}},
        {"tracking", std::move(tracking)},
        {"products", std::move(products)},
        {"recipient", request.value("recipient", json(nullptr))},
        {"created_date", runtime::format_rfc3339(order.created_at)},
        {"last_update_at", runtime::format_rfc3339(shipment.changed_at)},
        {"last_tracking_update_at", time_or_null(shipment.delivered_at)},
        {"estimated_fulfillment_date", nullptr},
        {"estimated_fulfillment_date_status", "AwaitingInventoryAllocation"},
        {"actual_fulfillment_date", time_or_null(shipment.shipped_at)},
        {"delivery_date", time_or_null(shipment.delivered_at)},
        {"is_tracking_uploaded", false},
        {"ship_option", "Standard"},
        {"require_signature", false},
    };
}

json ShipbobApi::order_document(const WarehouseOrder& order) const {
    const json request = json::parse(order.document);
    std::map<std::size_t, std::int64_t> quantities;
    for (const auto& shipment : order.shipments) {
        for (const auto& line : shipment.lines) {
            quantities[line.product] += line.quantity;
        }
    }
    json products = json::array();
    for (const auto& [index, quantity] : quantities) {
        const WarehouseProduct& product = warehouse_.products().at(index);
        products.push_back({
            {"id", product.product_id},
            {"reference_id", product.reference},
            {"sku", product.sku},
            {"quantity", quantity},
            {"external_line_id", nullptr},
            {"gtin", nullptr},
            {"upc", nullptr},
            {"unit_price", nullptr},
            {"quantity_unit_of_measure_code", nullptr},
        });
    }
    json shipments = json::array();
    for (const auto& shipment : order.shipments) {
        shipments.push_back(shipment_document(order, shipment));
    }
    return {
        {"id", order.id},
        {"reference_id", order.reference},
        {"order_number", order.order_number},
        {"status", order.status()},
        {"type", request.value("type", json("DTC"))},
        {"channel", {{"id", order.channel_id}, {"name", "Stand-in channel"}}},
        {"created_date", runtime::format_rfc3339(order.created_at)},
        {"purchase_date", request.value("purchase_date", json(nullptr))},
        {"recipient", request.value("recipient", json(nullptr))},
        {"products", std::move(products)},
        {"shipments", std::move(shipments)},
        {"shipping_method", request.value("shipping_method", json(nullptr))},
        {"shipping_terms", request.value("shipping_terms", json(nullptr))},
        {"tags", request.value("tags", json::array())},
        {"financials", request.value("financials", json(nullptr))},
        {"gift_message", request.value("gift_message", json(nullptr))},
        {"retailer_program_data", nullptr},
    };
}

}  // namespace ordersaga::sandbox
