#include "broker/declare.hpp"

#include <string>

namespace ordersaga::broker {
namespace {

using runtime::Error;
using runtime::ErrorKind;
using runtime::Result;

// The broker says what is wrong; this says what to do about it.
Error with_advice(Error error) {
    switch (error.kind) {
        case ErrorKind::conflict:
            error.message += " (it exists with other settings: delete it when it is empty, or use another prefix)";
            break;
        case ErrorKind::refused:
            error.message += " (this user lacks the right to configure it: declare it with another user)";
            break;
        case ErrorKind::not_found: error.message += " (the virtual host or a name in it does not exist)"; break;
        default: break;
    }
    return error;
}

Result<void> declare_all(Connection& connection, ChannelNumber channel, const Topology& topology) {
    for (const auto& exchange : topology.exchanges) {
        if (auto declared = connection.declare(channel, exchange); !declared) return declared;
    }
    for (const auto& queue : topology.queues) {
        if (auto declared = connection.declare(channel, queue); !declared) return declared;
    }
    for (const auto& binding : topology.bindings) {
        if (auto bound = connection.bind(channel, binding); !bound) return bound;
    }
    return {};
}

ConnectionOptions for_declaring() {
    ConnectionOptions options;
    options.name = "ordersaga-topology";
    return options;
}

Result<void> delete_all(Connection& connection, ChannelNumber channel, const Topology& topology) {
    // Since RabbitMQ 3.2 deleting what does not exist succeeds, so an error here is a real one.
    for (const auto& queue : topology.queues) {
        if (auto deleted = connection.delete_queue(channel, queue.name); !deleted) return deleted;
    }
    for (const auto& exchange : topology.exchanges) {
        if (auto deleted = connection.delete_exchange(channel, exchange.name); !deleted) return deleted;
    }
    return {};
}

}  // namespace

Result<void> declare_over(Connection& connection, ChannelNumber channel, const Topology& topology) {
    if (auto opened = connection.open_channel(channel); !opened) return opened;
    auto declared = declare_all(connection, channel, topology);
    if (!declared) return with_advice(declared.error());  // the broker has closed the channel
    connection.close_channel(channel);
    return {};
}

Result<void> declare_topology(const Address& address, const Topology& topology) {
    Connection connection(address, for_declaring());
    if (auto opened = connection.open(); !opened) return with_advice(opened.error());
    auto declared = declare_over(connection, 1, topology);
    connection.close();
    return declared;
}

Result<void> delete_topology(const Address& address, const Topology& topology) {
    Connection connection(address, for_declaring());
    if (auto opened = connection.open(); !opened) return with_advice(opened.error());
    auto deleted = connection.open_channel(1);
    if (deleted) deleted = delete_all(connection, 1, topology);
    connection.close();
    if (!deleted) return with_advice(deleted.error());
    return {};
}

}  // namespace ordersaga::broker
