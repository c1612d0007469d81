#include "bench/micro/happy_path.hpp"

#include "bench/micro/must.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_data.hpp"

#include <algorithm>
#include <stdexcept>

namespace ordersaga::bench {

namespace {

using nlohmann::json;

sagas::OrderData an_order(int lines) {
    sagas::OrderData data;
    data.store_id = 11;
    data.store = "eu";
    data.warehouse_id = 3;
    data.warehouse = "main";
    data.order_id = "5100000000180";
    data.name = "#1042";
    data.paid = true;
    data.ship_line = "Standard";
    data.ship_method = "Ground";
    for (int line = 1; line <= lines; ++line) {
        const std::string number = std::to_string(line);
        data.lines.push_back(
            {"510000000018" + number, "SHIRT-" + number, 1, {{line, "SHIRT-" + number, "900" + number, 1, 0}}});
    }
    return data;
}

json a_view(const sagas::OrderData& data, const std::string& state, bool shipped) {
    json shipments = json::array();
    if (shipped) {
        json lines = json::array();
        for (const sagas::SagaLine& line : data.lines) {
            lines.push_back(
                {{"sku", line.sku},
                 {"warehouse_item_id", line.parts.front().warehouse_item_id},
                 {"quantity", line.wanted}});
        }
        shipments.push_back(
            {{"id", "88120034"},
             {"state", "Shipped"},
             {"carrier", "bpost"},
             {"tracking_number", "323212345600099017"},
             {"tracking_url", "https://track.example.com/323212345600099017"},
             {"lines", std::move(lines)}});
    }
    return {{"reference", data.fulfillments.back().reference},
            {"warehouse_order_id", "150000004"},
            {"state", state},
            {"cancellable", shipped ? "no" : "yes"},
            {"shipments", std::move(shipments)},
            {"problems", json::array()}};
}

class Walk {
public:
    Walk(const sagas::OrderSaga& definition, int lines) : definition_(definition) {
        saga_.saga_id = "01890000-0000-7000-8000-000000000001";
        saga_.definition_version = definition.version();
        saga_.state = definition.initial_state();
        saga_.data = sagas::to_json(an_order(lines));
    }

    void tell(const char* meaning, sagas::Event event, const char* state) {
        sagas::Decision decision = definition_.decide(saga_, event, path_begins);
        must(decision.handled && decision.state == state, meaning);
        must((decision.meaning.empty() ? event.name : decision.meaning) == meaning, meaning);
        path.steps.push_back({saga_, std::move(event), decision});
        saga_.state = decision.state;
        saga_.version += 1;
        saga_.data = decision.data;
        for (const sagas::Command& command : decision.commands) {
            const std::string id = "01890000-0000-7000-8000-00000000010" + std::to_string(saga_.open_commands.size());
            saga_.open_commands.push_back({id, command.activity, command.idempotency_key, false});
        }
    }

    sagas::OrderData data() const { return sagas::order_data_from_json(saga_.data); }
    void end_commands() { saga_.open_commands.clear(); }

    HappyPath path;

private:
    const sagas::OrderSaga& definition_;
    sagas::SagaSnapshot saga_;
};

}  // namespace

const PathStep& HappyPath::step(const std::string& meaning) const {
    const auto found = std::find_if(steps.begin(), steps.end(), [&](const PathStep& step) {
        return (step.decision.meaning.empty() ? step.event.name : step.decision.meaning) == meaning;
    });
    if (found == steps.end()) throw std::logic_error("the path has no " + meaning);
    return *found;
}

HappyPath happy_path(const sagas::OrderSaga& definition, int lines) {
    Walk walk(definition, lines);
    walk.tell("OrderPlaced", {"OrderPlaced", json::object(), "webhook orders/create"}, "Received");
    walk.tell("StockReserved", {"StockReserved", json::object(), "stock"}, "Reserved");
    walk.tell("ChannelsUpdated", {"ChannelsUpdated", json::object(), "stores"}, "ChannelsSynced");
    for (const sagas::Command& command : walk.path.steps.back().decision.commands) {
        if (command.activity == sagas::activity::request_fulfillment) walk.path.request = command;
    }
    must(!walk.path.request.activity.empty(), "a request to the warehouse");
    walk.path.request.payload["call_deadline_ms"] = 10'000;  // as the engine adds it
    walk.path.accepted.kind = sagas::OutcomeKind::done;
    walk.path.accepted.payload = {{"view", a_view(walk.data(), "Accepted", false)}};
    walk.end_commands();
    walk.tell(
        "FulfillmentAccepted",
        definition.event_of(sagas::activity::request_fulfillment, walk.path.request.payload, walk.path.accepted, false),
        "FulfillmentRequested");
    walk.tell(
        "ShipmentReported", {"FulfillmentViewed", {{"view", a_view(walk.data(), "Shipped", true)}}, "poll"}, "Shipped");
    return std::move(walk.path);
}

}  // namespace ordersaga::bench
