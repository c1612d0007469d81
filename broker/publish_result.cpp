#include "broker/publish_result.hpp"

namespace ordersaga::broker {

std::string_view to_text(PublishStatus status) {
    switch (status) {
        case PublishStatus::confirmed: return "confirmed";
        case PublishStatus::returned: return "returned";
        case PublishStatus::nacked: return "nacked";
        case PublishStatus::unknown: return "unknown";
        case PublishStatus::not_sent: return "not_sent";
    }
    return "unknown";
}

}  // namespace ordersaga::broker
