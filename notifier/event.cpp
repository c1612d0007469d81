#include "notifier/event.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace ordersaga::notifier {

namespace {

constexpr std::size_t longest_id = 200;
constexpr std::int64_t schema_we_read = 1;

// "orders.outofstock.eu" -> "orders.outofstock"; empty when there are not three words of the plain kind.
std::string topic_of(std::string_view routing_key) {
    const std::size_t first = routing_key.find('.');
    const std::size_t second = first == std::string_view::npos ? first : routing_key.find('.', first + 1);
    if (second == std::string_view::npos || second + 1 == routing_key.size()) return {};
    const std::string_view topic = routing_key.substr(0, second);
    const bool plain = std::all_of(topic.begin(), topic.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
    return plain ? std::string(topic) : std::string();
}

std::int64_t merchant_of(const nlohmann::json& body) {
    const runtime::Result<std::string> text = runtime::get_text(body, "merchant_id");
    if (!text) return 0;
    std::int64_t merchant = 0;
    const char* end = text->data() + text->size();
    const auto [rest, fault] = std::from_chars(text->data(), end, merchant);
    return fault == std::errc{} && rest == end && merchant > 0 ? merchant : 0;
}

std::vector<std::string_view> state_members() {
    return {"merchant_id", "saga_id", "store", "order_id", "order_name", "state", "from", "cause", "at"};
}

std::vector<std::string_view> level_members() {
    return {"merchant_id", "sku", "available", "waiting", "version", "at"};
}

}  // namespace

runtime::Result<Event> read_event(const broker::Delivery& delivery) {
    if (delivery.message_id.empty() || delivery.message_id.size() > longest_id)
        return runtime::invalid("it has no message id, or one of more than 200 bytes");
    Event event;
    event.id = delivery.message_id;
    event.topic = topic_of(delivery.routing_key);
    if (event.topic.empty()) return runtime::invalid("its routing key is not <subject>.<what>.<whose>");
    const runtime::Result<nlohmann::json> body = runtime::parse_json(delivery.body);
    if (!body) return runtime::invalid("its body is no JSON: " + body.error().message);
    const runtime::Result<std::int64_t> schema = runtime::get_int64(*body, "schema");
    if (!schema) return runtime::invalid(schema.error().message);
    if (*schema != schema_we_read) return runtime::invalid("its schema is " + std::to_string(*schema) + ", not 1");
    event.merchant = merchant_of(*body);
    if (event.merchant == 0) return runtime::invalid("merchant_id must be a positive number as text");
    event.body = runtime::dump_json(*body);
    return event;
}

const std::vector<Topic>& topics() {
    static const std::vector<Topic> all = {
        {"orders.outofstock", state_members(), true,
         "Subject: Order {{order_name}} of {{store}}: out of stock\n\n"
         "Order {{order_name}} of store {{store}} could not be served: there is not enough stock.\n"
         "It holds nothing any more, and the customer has to be told.\n\n"
         "Since {{at}}. More: sagactl show {{saga_id}}\n"},
        {"orders.backordered", state_members(), true,
         "Subject: Order {{order_name}} of {{store}} waits for stock\n\n"
         "Order {{order_name}} of store {{store}} waits until there is enough stock for all of it.\n"
         "Orders are served oldest first; nothing has to be done here.\n\n"
         "Since {{at}}. More: sagactl show {{saga_id}}\n"},
        {"orders.needsoperator", state_members(), false,
         "Subject: Order {{order_name}} of {{store}} needs a person\n\n"
         "Order {{order_name}} of store {{store}} cannot go on by itself; it was {{from}}.\n\n"
         "Since {{at}}. More: sagactl show {{saga_id}}\n"},
        {"orders.cancel_too_late",
         {"merchant_id", "saga_id", "store", "order_id", "order_name", "asked_by", "at"},
         true,
         "Subject: Order {{order_name}} of {{store}}: too late to cancel\n\n"
         "A cancel or a change of order {{order_name}} of store {{store}} came too late: the warehouse has begun to\n"
         "pick it, or has shipped it. Somebody has to tell the customer or arrange a return.\n\n"
         "Asked for by: {{asked_by}}, at {{at}}. More: sagactl show {{saga_id}}\n"},
        {"orders.fulfillmentrequested", state_members(), false,
         "Subject: Order {{order_name}} of {{store}}: with the warehouse\n\n"
         "The warehouse has accepted order {{order_name}} of store {{store}} at {{at}}.\n"},
        {"orders.shipped", state_members(), false,
         "Subject: Order {{order_name}} of {{store}}: shipped\n\n"
         "Order {{order_name}} of store {{store}} was shipped; we know it since {{at}}.\n"},
        {"orders.completed", state_members(), false,
         "Subject: Order {{order_name}} of {{store}}: completed\n\n"
         "Order {{order_name}} of store {{store}} was completed at {{at}}.\n"},
        {"orders.compensated", state_members(), false,
         "Subject: Order {{order_name}} of {{store}}: undone\n\n"
         "Order {{order_name}} of store {{store}} was undone at {{at}}: {{cause}}.\n"},
        {"inventory.low", level_members(), true,
         "Subject: {{sku}} runs low: {{available}} left\n\n"
         "{{available}} units of {{sku}} can still be sold. {{waiting}} units are waited for.\n\n"
         "As of {{at}}.\n"},
        {"inventory.out", level_members(), true,
         "Subject: {{sku}} is sold out\n\n"
         "No unit of {{sku}} can be sold any more. {{waiting}} units are waited for.\n\n"
         "As of {{at}}.\n"},
        {"inventory.back", level_members(), false,
         "Subject: {{sku}} is back: {{available}}\n\n"
         "{{available}} units of {{sku}} can be sold again.\n\n"
         "As of {{at}}.\n"},
        {"incidents.opened",
         {"merchant_id", "incident_id", "subject", "saga_id", "cause", "at"},
         true,
         "Subject: Incident {{incident_id}}: {{cause}}\n\n"
         "Something waits for a person: {{cause}}.\n\n"
         "It is about {{subject}}, since {{at}}. More: sagactl incident show {{incident_id}}\n"},
    };
    return all;
}

const Topic* find_topic(std::string_view name) {
    const std::vector<Topic>& all = topics();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Topic& topic) { return topic.name == name; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace ordersaga::notifier
