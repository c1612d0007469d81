#include "sagas/subscriptions.hpp"

#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

constexpr std::string_view our_path = "/webhooks/shopify";

// Objects, of which the names hold no underscore that stands for a slash: "inventory_levels/update".
constexpr std::array<std::string_view, 4> objects{"orders", "refunds", "inventory_levels", "app"};

const json& member(const json& object, const char* name) {
    static const json nothing;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() ? *found : nothing;
}

std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

bool was_ours(const Subscription& subscription) {
    return subscription.uri.ends_with(our_path);
}

}  // namespace

const std::vector<std::string>& wanted_topics() {
    static const std::vector<std::string> topics{
        "ORDERS_CREATE", "ORDERS_PAID",    "ORDERS_UPDATED",          "ORDERS_EDITED",   "ORDERS_CANCELLED",
        "ORDERS_DELETE", "REFUNDS_CREATE", "INVENTORY_LEVELS_UPDATE", "APP_UNINSTALLED",
    };
    return topics;
}

std::string shown_topic(std::string_view topic) {
    std::string text = runtime::lower(topic);
    for (const std::string_view object : objects) {
        if (text.starts_with(object) && text.size() > object.size() && text[object.size()] == '_')
            text[object.size()] = '/';
    }
    return text;
}

SubscriptionPlan compare_subscriptions(
    const std::vector<Subscription>& present,
    const std::string& address,
    const std::string& api_version) {
    SubscriptionPlan plan;
    for (const std::string& topic : wanted_topics()) {
        const Subscription* fit = nullptr;
        std::vector<Subscription> unfit;
        for (const Subscription& subscription : present) {
            if (subscription.topic != topic) continue;
            const bool here = subscription.uri == address;
            if (here && subscription.whole) fit = &subscription;
            if (!fit && (here || was_ours(subscription))) unfit.push_back(subscription);
        }
        if (fit != nullptr) {
            if (fit->api_version != api_version && !fit->api_version.empty())
                plan.other_versions.push_back(
                    shown_topic(topic) + " comes in version " + fit->api_version + " instead of " + api_version);
            continue;
        }
        std::string fault = "is missing";
        if (!unfit.empty())
            fault = unfit.front().uri == address ? "is cut down by a filter, a list of fields or another format"
                                                 : "goes to " + unfit.front().uri;
        plan.faults.push_back(shown_topic(topic) + " " + fault);
        plan.create.push_back(topic);
        plan.remove.insert(plan.remove.end(), unfit.begin(), unfit.end());
    }
    return plan;
}

Subscription subscription_of_node(const json& node) {
    Subscription subscription;
    subscription.id = text_of(member(node, "id"));
    subscription.topic = text_of(member(node, "topic"));
    subscription.uri = text_of(member(node, "uri"));
    subscription.api_version = text_of(member(member(node, "apiVersion"), "handle"));
    const json& fields = member(node, "includeFields");
    subscription.whole = text_of(member(node, "format")) == "JSON" && text_of(member(node, "filter")).empty() &&
                         (!fields.is_array() || fields.empty());
    return subscription;
}

}  // namespace ordersaga::sagas
