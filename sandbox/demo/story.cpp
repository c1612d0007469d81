#include "sandbox/demo/story.hpp"

#include "runtime/clock.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <stdexcept>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* shirt = "T-SHIRT";

void say(const std::string& text) {
    std::puts(text.c_str());
    std::fflush(stdout);
}

class Narrator {
public:
    explicit Narrator(System& system) : system_(system) {
        for (const Shop& shop : system.catalogue().shops)
            key_of_peer_["shopify:" + shop.domain] = shop.key;
        hear();  // what happened while opening is not part of the story
        lines_.clear();
    }

    void begin() { begin_ = runtime::SystemClock().now(); }

    // Everything new since the last time, by instant.
    void tell() {
        hear();
        std::stable_sort(
            lines_.begin(), lines_.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
        for (const auto& [at, text] : lines_) {
            say(fmt::format("  {:>7.3f} s  {}", std::chrono::duration<double>(at - begin_).count(), text));
        }
        lines_.clear();
    }

private:
    void hear() {
        const json page = system_.control("/control/ledger?limit=10000&after=" + std::to_string(ledger_read_to_));
        ledger_read_to_ = page.at("next_after");
        for (const json& effect : page.at("effects"))
            add(effect.at("at"), text_of(effect));
        for (const json& saga : system_.rest_all("/sagas").value_or(std::vector<json>{})) {
            const std::string id = saga.at("saga_id");
            for (const json& entry : system_.rest_all("/sagas/" + id + "/history").value_or(std::vector<json>{})) {
                if (told_.insert(id + "/" + std::to_string(entry.at("version").get<std::int64_t>())).second)
                    add(entry.at("at"), text_of(saga, entry));
            }
        }
    }

    void add(const std::string& at, const std::string& text) {
        const auto instant = runtime::parse_rfc3339(at);
        if (instant && !text.empty()) lines_.emplace_back(*instant, text);
    }

    std::string text_of(const json& saga, const json& entry) const {
        const std::string from = entry.at("from_state");
        const std::string to = entry.at("to_state");
        const std::string note = entry.at("note");
        std::string text =
            fmt::format("{:<14} {}", saga.at("subject").get<std::string>(), entry.at("event").get<std::string>());
        if (from != to) text += ": " + from + " -> " + to;
        return note.empty() ? text : text + " (" + note + ")";
    }

    std::string text_of(const json& effect) const {
        const std::string kind = effect.at("kind");
        const std::string peer = effect.at("peer");
        const auto shop = key_of_peer_.find(peer);
        const std::string who = shop == key_of_peer_.end() ? "warehouse" : shop->second + " store";
        const json& detail = effect.at("detail");
        if (kind == "order_created") return fmt::format("{:<14} a customer buys the shirt", who);
        if (kind == "order_cancelled") return fmt::format("{:<14} the customer cancels", who);
        if (kind == "stock_adjusted")
            return fmt::format(
                "{:<14} is told to show {:+d}{}", who, detail.value("delta", 0),
                effect.at("replay").get<bool>() ? " (again, no effect)" : "");
        if (kind == "fulfillment_held")
            return fmt::format("{:<14} holds the order: {}", who, detail.value("reason", std::string("out of stock")));
        if (kind == "tags_added") return fmt::format("{:<14} tags the order", who);
        if (kind == "warehouse_order_created")
            return fmt::format("{:<14} takes order {}", who, effect.at("reference").get<std::string>());
        if (kind == "warehouse_order_cancelled")
            return fmt::format("{:<14} cancels order {}", who, effect.at("reference").get<std::string>());
        return fmt::format("{:<14} {}", who, kind);
    }

    System& system_;
    runtime::Instant begin_{};
    std::int64_t ledger_read_to_ = 0;
    std::set<std::string> told_;
    std::map<std::string, std::string> key_of_peer_;
    std::vector<std::pair<runtime::Instant, std::string>> lines_;
};

std::map<std::string, std::int64_t> shown(System& system) {
    std::map<std::string, std::int64_t> units;
    for (const Shop& shop : system.catalogue().shops) {
        units[shop.key] = system.control("/control/stores/" + shop.domain).at("levels").at(0).at("available");
    }
    return units;
}

std::string text_of(const std::map<std::string, std::int64_t>& units) {
    std::string text;
    for (const auto& [store, count] : units)
        text += fmt::format("{}{} shows {}", text.empty() ? "" : ", ", store, count);
    return text;
}

// True once `fits`; false when the time is up.
template <class Fits>
bool wait_until(System& system, seconds longest, Fits fits) {
    const auto limit = steady_clock::now() + longest;
    while (steady_clock::now() < limit) {
        system.supervise();
        if (fits()) return true;
        runtime::pause(milliseconds(100));
    }
    return false;
}

std::map<std::string, json> sagas_by_subject(System& system) {
    std::map<std::string, json> sagas;
    for (const json& saga : system.rest_all("/sagas").value_or(std::vector<json>{}))
        sagas[saga.at("subject")] = saga;
    return sagas;
}

}  // namespace

bool tell_story(System& system) {
    const std::vector<Shop>& shops = system.catalogue().shops;
    Narrator narrator(system);
    say(fmt::format(
        "\nOne Popular T-Shirt lies in the warehouse; {}.\nTwo buyers press the button in the same second.\n",
        text_of(shown(system))));
    narrator.begin();
    json wishes = json::array();
    for (const Shop& shop : shops)
        wishes.push_back({{"store", shop.domain}, {"lines", json::array({{{"sku", shirt}, {"quantity", 1}}})}});
    const json taken = system.control("POST", "/control/bulk", {{"orders", wishes}}).at("results");
    std::map<std::string, std::pair<std::string, std::string>> order_of;  // subject → domain, id
    for (std::size_t index = 0; index < shops.size(); ++index) {
        const json& order = taken.at(index);
        order_of[shops[index].key + " " + order.at("name").get<std::string>()] = {shops[index].domain, order.at("id")};
    }
    std::string winner;
    std::string loser;
    const bool decided = wait_until(system, seconds(60), [&] {
        for (const auto& [subject, saga] : sagas_by_subject(system)) {
            if (saga.at("state") == "FulfillmentRequested") winner = subject;
            if (saga.at("state") == "OutOfStock") loser = subject;
        }
        return !winner.empty() && !loser.empty();
    });
    const bool none_left = wait_until(system, seconds(20), [&] {
        return shown(system) == std::map<std::string, std::int64_t>{{shops[0].key, 0}, {shops[1].key, 0}};
    });
    narrator.tell();
    if (!decided || !none_left) {
        say("\nThis is not how it should go: " + text_of(shown(system)));
        return false;
    }
    say(fmt::format(
        "\n{} has the shirt; {} was refused and is held in its store, for a person to refund. {}.\nThen the winner "
        "thinks better of it.\n",
        winner, loser, text_of(shown(system))));
    const auto& [domain, id] = order_of.at(winner);
    system.control("POST", "/control/stores/" + domain + "/orders/" + id + "/cancel", json::object());
    const bool given_back = wait_until(system, seconds(90), [&] {
        return sagas_by_subject(system)[winner].value("state", "") == "Compensated" &&
               shown(system) == std::map<std::string, std::int64_t>{{shops[0].key, 1}, {shops[1].key, 1}};
    });
    narrator.tell();
    say(fmt::format(
        "\n{}: {}.\n", given_back ? "The shirt is for sale again" : "The shirt did not come back",
        text_of(shown(system))));
    return given_back;
}

}  // namespace ordersaga::demo
