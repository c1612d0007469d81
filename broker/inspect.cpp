#include "broker/inspect.hpp"

#include "broker/connection.hpp"

namespace ordersaga::broker {
namespace {

using runtime::ErrorKind;
using runtime::Result;

Result<std::vector<SeenQueue>> look_at_all(Connection& connection, const Topology& topology) {
    constexpr ChannelNumber channel = 1;
    std::vector<SeenQueue> seen;
    bool channel_open = false;
    for (const Queue& queue : topology.queues) {
        if (!channel_open) {
            if (auto opened = connection.open_channel(channel); !opened) return opened.error();
            channel_open = true;
        }
        const Result<QueueState> state = connection.look_at_queue(channel, queue.name);
        if (!state && state.error().kind != ErrorKind::not_found) return state.error();
        if (!state) channel_open = false;  // the broker closes it with its answer
        seen.push_back({queue.name, state ? std::optional(*state) : std::nullopt});
    }
    return seen;
}

}  // namespace

Result<std::vector<SeenQueue>> look_at_queues(const Address& address, const Topology& topology) {
    ConnectionOptions options;
    options.name = "ordersaga-inspection";
    Connection connection(address, options);
    if (auto opened = connection.open(); !opened) return opened.error();
    auto seen = look_at_all(connection, topology);
    connection.close();
    return seen;
}

}  // namespace ordersaga::broker
