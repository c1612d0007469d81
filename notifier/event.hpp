// A public event (docs/events.md) as the broker delivered it, and what is known of each topic. Pure; any thread.
#pragma once

#include "broker/consumer.hpp"
#include "runtime/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::notifier {

struct Event {
    std::string id;     // the AMQP message id: a repeat of the event has the same
    std::string topic;  // the first two words of the routing key: "orders.outofstock"
    std::int64_t merchant = 0;
    std::string body;  // one JSON object
};

// Error (invalid): it can never be told, and why. Topics that are not known yet are no error: nobody asks for them.
runtime::Result<Event> read_event(const broker::Delivery& delivery);

struct Topic {
    std::string_view name;
    std::vector<std::string_view> members;  // of the body, which a template may name
    bool mailed_unasked;                    // to who does not say what he wants to hear about
    std::string_view letter;                // first line "Subject: ...", an empty line, the text
};

// Every topic of docs/events.md.
const std::vector<Topic>& topics();
const Topic* find_topic(std::string_view name);

}  // namespace ordersaga::notifier
