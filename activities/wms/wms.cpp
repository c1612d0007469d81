#include "activities/wms/wms.hpp"

#include <algorithm>

namespace ordersaga::activities::wms {

bool is_valid_reference(const std::string& reference) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    return !reference.empty() && reference.size() <= 100 && std::all_of(reference.begin(), reference.end(), allowed);
}

const char* name_of(FulfillmentState state) {
    switch (state) {
        case FulfillmentState::accepted: return "Accepted";
        case FulfillmentState::in_progress: return "InProgress";
        case FulfillmentState::on_hold: return "OnHold";
        case FulfillmentState::backordered: return "Backordered";
        case FulfillmentState::needs_attention: return "NeedsAttention";
        case FulfillmentState::partly_shipped: return "PartlyShipped";
        case FulfillmentState::shipped: return "Shipped";
        case FulfillmentState::delivered: return "Delivered";
        case FulfillmentState::delivery_problem: return "DeliveryProblem";
        case FulfillmentState::cancelled: return "Cancelled";
        case FulfillmentState::unknown: return "Unknown";
    }
    return "Unknown";
}

const char* name_of(Cancellable cancellable) {
    switch (cancellable) {
        case Cancellable::yes: return "yes";
        case Cancellable::no: return "no";
        case Cancellable::unknown: return "unknown";
    }
    return "unknown";
}

}  // namespace ordersaga::activities::wms
