// The notifier as one object: consumes the public events through queues of its own and tells the targets of the settings.
// Owned by main and by the tests.
#pragma once

#include "broker/address.hpp"
#include "broker/topology.hpp"
#include "notifier/notifier_config.hpp"
#include "notifier/target.hpp"
#include "notifier/templates.hpp"
#include "runtime/http_client.hpp"
#include "runtime/metrics.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace ordersaga::notifier {

// The exchanges, and the two queues that are the notifier's.
broker::Topology topology_of(const NotifierConfig& config);

// The target of that name ("mail:ops", "webhook:erp"); null when the settings have none.
std::unique_ptr<Target> make_target(
    const NotifierConfig& config,
    const std::string& name,
    const Templates& templates,
    boost::asio::any_io_executor executor,
    runtime::HttpTransport& http);

class Notifier {
public:
    // Starts; waits for nobody. Webhooks are called on `executor`, which another thread must be running until stop() has
    // returned. All references must outlive it.
    Notifier(
        const NotifierConfig& config,
        const broker::Address& address,
        const Templates& templates,
        boost::asio::any_io_executor executor,
        runtime::HttpTransport& http,
        runtime::Metrics& metrics);
    ~Notifier();  // stop()
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    // Why events are not being taken and stored; empty: they are. Any thread.
    std::string why_not_ready() const;
    // Lets the tries under way end. A repeat does nothing.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::notifier
