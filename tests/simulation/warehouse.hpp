// A simulated warehouse: orders by reference, picked, shipped and delivered in their own time; cancelled while that is
// possible; stock figures that lag. It never ships one reference twice, and it says when it was asked for more than it has.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/weather.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::simulation {

struct WarehouseLine {
    std::string item_id, sku;
    std::int64_t quantity = 0;
    bool operator==(const WarehouseLine&) const = default;
};

struct WarehouseShipment {
    std::string id, tracking_number;
    std::vector<WarehouseLine> lines;
    bool shipped = false, delivered = false;
};

struct WarehouseOrder {
    std::string id, reference;
    std::vector<WarehouseLine> lines;
    std::vector<WarehouseShipment> shipments;
    bool picking = false, cancelled = false, in_trouble = false;
    // Asked for by who had stood still, or held up on its way: its order may have been given up, its unit sold again.
    bool late = false;
    int times_cancelled = 0;
    Instant accepted_at{}, changed_at{};
    std::optional<Instant> cancelled_at;

    bool all_shipped() const;
    bool some_shipped() const;
};

// How the warehouse takes it when an order is to be cancelled.
enum class CancelMood {
    fine,
    refuses,        // for ever
    fails,          // fifty times
    does_not_find,  // once
};

// What becomes of a request for an order that it has not heard of.
enum class RequestMood {
    fine,
    refused,
    conflict,    // somebody has used the reference before
    unanswered,  // it is taken, and for a while nobody gets an answer
    held_up,     // somewhere on its way; nobody gets an answer, and one day it arrives
};

class Warehouse {
public:
    // `announce`: something about this order changed (a webhook).
    Warehouse(Agenda& agenda, Weather& weather, std::function<void(const WarehouseOrder&)> announce);

    static constexpr const char* key = "main";

    void stock_item(const std::string& item_id, const std::string& sku, std::int64_t on_hand);
    void receive(const std::string& item_id, std::int64_t quantity);
    const std::map<std::string, WarehouseOrder>& orders() const { return orders_; }
    std::int64_t on_hand(const std::string& item_id) const { return items_.at(item_id).on_hand; }
    // Of its own accord, for want of goods on its shelf. False: some have left.
    bool cancel_by_itself(const std::string& reference);
    // A person at the warehouse has to look after it, for a while.
    void trouble(const std::string& reference, Duration how_long);
    std::int64_t oversold_units() const { return oversold_units_; }
    // How long a figure may lag behind an acceptance: the `L` of the reading rule.
    static constexpr Duration lag = std::chrono::seconds(20);

    // --- the API: payloads of outcomes as in sagas/activities.hpp
    struct Created {
        nlohmann::json view;
        bool conflict = false;
        bool cancelled = false;  // the reference is used up by an order that was cancelled
    };
    Created create(const nlohmann::json& payload, bool late = false);
    struct Cancelled {
        bool found = false;
        bool too_late = false;
        nlohmann::json view;
    };
    Cancelled cancel(const std::string& reference);
    bool knows(const std::string& reference) const { return orders_.count(reference) > 0; }
    // Drawn when it is asked for the first time. Of a request that is held up the arrival is planned then.
    RequestMood mood_about_request(const nlohmann::json& payload);
    // Refuses what it is asked for next, of an order whose references begin so.
    void turn_away(const std::string& prefix) { unwelcome_.insert(prefix); }
    // Whatever it is asked for next of references that begin so is held up on its way.
    void obstruct(const std::string& prefix) { obstructed_.insert(prefix); }
    // It fails to cancel references that begin so, fifty times.
    void stall_cancels(const std::string& prefix) { stalled_.insert(prefix); }
    // The same, of those that arrive when they have been given up.
    void stall_late_cancels(const std::string& prefix) { stalled_late_.insert(prefix); }
    // Requests that have not arrived yet.
    int held_up() const { return held_up_; }
    // Drawn when an order is to be cancelled for the first time.
    CancelMood mood_about_cancel(const std::string& reference, bool may_hide);
    nlohmann::json find(const std::string& reference) const;
    nlohmann::json changed_since(Instant since) const;
    nlohmann::json stock(const nlohmann::json& items);

private:
    struct Item {
        std::string sku;
        std::int64_t on_hand = 0;
        std::int64_t taken_late = 0;  // shipped with orders that had been given up when they arrived
    };

    nlohmann::json view_of(const WarehouseOrder& order) const;
    std::int64_t demand_on(const std::string& item_id, bool with_late = true) const;
    void plan(const std::string& reference);
    void pick(WarehouseOrder& order);
    void ship(const std::string& reference, std::size_t index);
    void changed(WarehouseOrder& order);
    void deliver(const std::string& reference, std::size_t index, Duration delay);
    bool is_late(const std::string& reference) const;
    int chances_of(const std::string& reference) const;
    bool is_beside_trouble(const std::string& reference) const;  // of another part of its order
    RequestMood draw_mood(const std::string& reference);

    Agenda& agenda_;
    Weather& weather_;
    std::function<void(const WarehouseOrder&)> announce_;
    std::map<std::string, Item> items_;
    std::map<std::string, WarehouseOrder> orders_;
    std::map<std::string, std::pair<CancelMood, int>> moods_;  // with how many times more
    std::map<std::string, std::pair<RequestMood, int>> request_moods_;
    std::set<std::string> unwelcome_, obstructed_, stalled_, stalled_late_;
    int held_up_ = 0;
    std::int64_t oversold_units_ = 0;
    std::int64_t last_number_ = 100;
};

}  // namespace ordersaga::simulation
