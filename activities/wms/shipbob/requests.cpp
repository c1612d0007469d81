#include "activities/lenient_json.hpp"
#include "activities/wms/shipbob/answers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>

namespace ordersaga::activities::wms::shipbob {

using nlohmann::json;

namespace {

constexpr std::int64_t largest_int32 = std::numeric_limits<std::int32_t>::max();

// Cut at a character's border, not in the middle of one.
std::string cut(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
}

void set_if(json& object, const char* key, const std::string& value) {
    if (!value.empty()) {
        object[key] = value;
    }
}

json recipient_document(const Recipient& recipient) {
    json address{
        {"address1", recipient.address.address1},
        {"city", recipient.address.city},
        {"country", recipient.address.country}};
    set_if(address, "address2", recipient.address.address2);
    set_if(address, "company_name", recipient.address.company);
    set_if(address, "state", recipient.address.state);
    set_if(address, "zip_code", recipient.address.zip);
    json document{{"name", cut(recipient.name, 300)}, {"address", std::move(address)}};
    set_if(document, "phone_number", cut(recipient.phone, 50));
    // An address that is none would refuse the whole order for a field that nobody ships by.
    if (recipient.email.find('@') != std::string::npos && recipient.email.find(' ') == std::string::npos) {
        document["email"] = recipient.email;
    }
    return document;
}

// Spelling that a warehouse may change on its way in, and that ships to the same door.
std::string plain(const std::string& text) {
    std::string result;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte >= 0x80 || std::isalnum(byte) != 0) {
            result.push_back(static_cast<char>(std::tolower(byte)));
        }
    }
    return result;
}

bool differs(const std::string& wanted, const std::string& found) {
    return !found.empty() && plain(wanted) != plain(found);
}

}  // namespace

std::vector<FieldProblem> faults_of(const FulfillmentRequest& request) {
    std::vector<FieldProblem> faults;
    if (!is_valid_reference(request.reference)) {
        faults.push_back({"reference", "must be 1 to 100 of A-Z a-z 0-9 . _ -"});
    }
    if (request.recipient.name.empty()) faults.push_back({"recipient.name", "is missing"});
    if (request.recipient.address.address1.empty()) faults.push_back({"recipient.address1", "is missing"});
    if (request.recipient.address.city.empty()) faults.push_back({"recipient.city", "is missing"});
    if (request.recipient.address.country.size() != 2) {
        faults.push_back({"recipient.country", "must be two letters (ISO 3166)"});
    }
    if (request.lines.empty()) {
        faults.push_back({"lines", "there is nothing to ship"});
    }
    for (const RequestLine& line : request.lines) {
        if (line.quantity < 1 || line.quantity > largest_int32) {
            faults.push_back({"lines." + shown(line.sku, 80), "the quantity is out of range"});
        }
        if (!line.item_id || *line.item_id < 1 || *line.item_id > largest_int32) {
            faults.push_back({"lines." + shown(line.sku, 80), "the warehouse's id of this SKU is not known"});
        }
    }
    return faults;
}

std::string create_body(const FulfillmentRequest& request) {
    json products = json::array();
    // Two lines of one SKU become one product line: the warehouse picks products, not our lines.
    std::map<std::int64_t, std::int64_t> quantities;
    std::vector<std::int64_t> order;
    for (const RequestLine& line : request.lines) {
        const std::int64_t id = line.item_id.value_or(0);
        if (quantities.emplace(id, 0).second) {
            order.push_back(id);
        }
        quantities[id] += line.quantity;
    }
    for (const std::int64_t id : order) {
        products.push_back({{"id", id}, {"quantity", quantities[id]}});
    }
    json tags = json::array();
    for (const Tag& tag : request.tags) {
        if (!tag.name.empty() && !tag.value.empty()) {
            tags.push_back({{"name", cut(tag.name, 50)}, {"value", cut(tag.value, 500)}});
        }
    }
    json body{
        {"reference_id", request.reference},
        {"shipping_method", request.ship_method.empty() ? "Standard" : request.ship_method},
        {"type", "DTC"},
        {"recipient", recipient_document(request.recipient)},
        {"products", std::move(products)}};
    set_if(body, "order_number", cut(request.display_number, 400));
    if (request.location_id) body["location_id"] = *request.location_id;
    if (!tags.empty()) body["tags"] = std::move(tags);
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string difference(const FulfillmentRequest& wanted, const FulfillmentView& found) {
    if (found.reference != wanted.reference) {
        return "the reference differs";
    }
    std::map<std::int64_t, std::int64_t> quantities;
    for (const RequestLine& line : wanted.lines) {
        quantities[line.item_id.value_or(0)] += line.quantity;
    }
    // A shortened answer without product ids cannot be compared line by line; the total can.
    std::int64_t wanted_total = 0;
    for (const auto& [id, quantity] : quantities) {
        wanted_total += quantity;
    }
    std::int64_t found_total = 0;
    bool with_ids = true;
    for (const ViewLine& line : found.lines) {
        found_total += line.quantity;
        with_ids = with_ids && line.item_id && *line.item_id > 0;
    }
    if (!found.lines.empty() && found_total != wanted_total) {
        return "it holds " + std::to_string(found_total) + " units, wanted are " + std::to_string(wanted_total);
    }
    if (!found.lines.empty() && with_ids) {
        for (const ViewLine& line : found.lines) {
            quantities[*line.item_id] -= line.quantity;
        }
        for (const auto& [id, rest] : quantities) {
            if (rest != 0) return "the quantity of item " + std::to_string(id) + " differs";
        }
    }
    const Address& to = wanted.recipient.address;
    const Address& at = found.recipient.address;
    if (differs(wanted.recipient.name, found.recipient.name)) return "the recipient's name differs";
    if (differs(to.address1, at.address1)) return "the street differs";
    if (differs(to.city, at.city)) return "the city differs";
    if (differs(to.zip, at.zip)) return "the postal code differs";
    if (differs(to.country, at.country)) return "the country differs";
    return {};
}

}  // namespace ordersaga::activities::wms::shipbob
