// A simulated store: its own stock, its own orders, webhooks about both, and the few calls of its API that we make. It
// knows nothing of ledgers; what it did to itself is the truth that the engine's belief is judged by.
#pragma once

#include "runtime/random.hpp"
#include "sagas/ids.hpp"
#include "sagas/order_document.hpp"
#include "tests/simulation/agenda.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::simulation {

struct ShopItem {
    std::string variant_id, inventory_item_id, sku;
    std::int64_t available = 0;
    bool oversells = false;  // "continue selling when out of stock"
    bool listed = true;      // the engine knows it
};

struct ShopFulfillment {
    std::string id, tracking_number;
    std::map<std::string, std::int64_t> lines;
};

struct ShopOrder {
    sagas::OrderDocument document;  // stamps in whole seconds, as stores give them
    std::vector<ShopFulfillment> fulfillments;
    bool held = false;
    bool sent_elsewhere = false;
    Instant placed_at{};
};

// What is special about an order; by default nothing.
struct Sale {
    bool paid = true;
    bool digital = false;  // nothing of it is to be shipped
    std::string ship_method = "Standard";
    bool with_address = true;
};

struct ShopWebhook {
    std::string topic;
    std::string order_id;
    nlohmann::json body;
};

class Shop {
public:
    using Announce = std::function<void(const ShopWebhook&)>;

    Shop(sagas::StoreId id, std::string key, Agenda& agenda, Announce announce);

    sagas::StoreId id() const { return id_; }
    const std::string& key() const { return key_; }
    static constexpr const char* location = "4001";

    void add_item(ShopItem item);
    const std::map<std::string, ShopItem>& items() const { return items_; }  // by inventory item
    const ShopItem* item_of_variant(const std::string& variant_id) const;
    const std::map<std::string, ShopOrder>& orders() const { return orders_; }

    // --- what buyers and staff do. False or empty: the shop would not let them.
    std::string place(const std::vector<std::pair<std::string, std::int64_t>>& variants, const Sale& sale = {});
    bool pay(const std::string& order_id);
    bool cancel(const std::string& order_id, bool restock);
    bool refund(const std::string& order_id, std::size_t line, std::int64_t quantity, bool restock);
    // Adds units to the order, as another line: whatever became of it in the meantime. Staff may sell what is not there.
    bool add(const std::string& order_id, const std::string& variant, std::int64_t quantity, bool beyond_stock = false);
    // Staff send all that is still open of it from a shelf of their own.
    bool send_elsewhere(const std::string& order_id);
    // How long it remembers the keys of adjustments, as from the first use; it tells when one has come too late.
    void remember_keys_for(Duration window, std::function<void()> forgotten) {
        key_window_ = window;
        forgotten_ = std::move(forgotten);
    }

    // --- the API, each answering with the payload of a `done` outcome; std::runtime_error: refused, with the reason
    nlohmann::json adjust(const std::string& key, const std::string& body);
    nlohmann::json levels(const nlohmann::json& listings) const;
    nlohmann::json order_stamps_since(Instant since, std::size_t limit, const std::string& after = {}) const;
    nlohmann::json orders(const nlohmann::json& order_ids, std::size_t limit) const;
    nlohmann::json order(const std::string& order_id) const;
    nlohmann::json fulfill(const nlohmann::json& payload);
    nlohmann::json settle(const nlohmann::json& payload);

    // What must never happen, as found by the shop itself.
    const std::vector<std::string>& complaints() const { return complaints_; }

private:
    std::string next_id() { return std::to_string(++last_id_); }
    void touch(ShopOrder& order);
    void tell(const std::string& topic, const ShopOrder& order);
    void tell_level(const ShopItem& item);
    void take_back(ShopOrder& order, sagas::Refund refund, bool restock);
    void end_order(ShopOrder& order, const std::string& reason, bool restock);
    std::int64_t open_units(const ShopOrder& order, const std::string& line_id) const;

    sagas::StoreId id_;
    std::string key_;
    Agenda& agenda_;
    Announce announce_;
    std::map<std::string, ShopItem> items_;
    std::map<std::string, ShopOrder> orders_;
    struct Adjustment {
        std::string body;
        nlohmann::json answer;
        Instant at{};
    };
    std::map<std::string, Adjustment> adjustments_by_key_;
    Duration key_window_ = std::chrono::hours(24);
    std::function<void()> forgotten_ = [] {
    };
    std::vector<std::string> complaints_;
    // All shops count alike: ids of orders and lines are unique per shop only.
    std::int64_t last_id_ = 9'100'000'000'000'000;
};

// The order as the store's Admin REST dialect writes it into webhooks.
nlohmann::json webhook_body(const sagas::OrderDocument& order);

}  // namespace ordersaga::simulation
