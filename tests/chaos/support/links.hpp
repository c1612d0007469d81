// A fault proxy between every two that talk to each other: each program and PostgreSQL, each program and RabbitMQ, the
// workers and every peer, the stores and the intakes. Made on demand, when the system asks for an address.
//
// Main thread. The proxies live as long as this object, which must outlive the system.
#pragma once

#include "sandbox/demo/system.hpp"
#include "tests/support/network/fault_proxy.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::chaos {

class Links {
public:
    explicit Links(std::uint64_t seed) : seed_(seed) {}

    // To be given to demo::System.
    demo::Between between();

    // "orchestrator-2 to postgresql"; throws std::out_of_range when there is none.
    [[nodiscard]] network::FaultProxy& at(const std::string& name) { return *links_.at(name); }
    [[nodiscard]] std::vector<std::string> names() const;
    // Those whose name ends like this: " to rabbitmq".
    [[nodiscard]] std::vector<std::string> names_to(const std::string& end) const;
    void heal_all();

private:
    std::string stand_between(const std::string& from, const std::string& to, const std::string& address);

    std::uint64_t seed_;
    std::map<std::string, std::unique_ptr<network::FaultProxy>> links_;
};

}  // namespace ordersaga::chaos
