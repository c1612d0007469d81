#include "tests/chaos/support/links.hpp"

#include <regex>
#include <stdexcept>

namespace ordersaga::chaos {
namespace {

// Of an URL, and of a PostgreSQL address in keywords.
const std::regex loopback_port("127\\.0\\.0\\.1(?::|' port=')([0-9]+)");

std::vector<std::uint16_t> ports_in(const std::string& address) {
    std::vector<std::uint16_t> ports;
    for (std::sregex_iterator found(address.begin(), address.end(), loopback_port), end; found != end; ++found)
        ports.push_back(static_cast<std::uint16_t>(std::stoi((*found)[1].str())));
    if (ports.empty()) throw std::invalid_argument("nothing on 127.0.0.1 to stand before: " + address);
    return ports;
}

network::Protocol protocol_of(const std::string& to) {
    if (to == "postgresql") return network::Protocol::postgresql;
    return to == "rabbitmq" ? network::Protocol::amqp : network::Protocol::http;
}

}  // namespace

demo::Between Links::between() {
    return [this](const std::string& from, const std::string& to, const std::string& address) {
        return stand_between(from, to, address);
    };
}

std::string Links::stand_between(const std::string& from, const std::string& to, const std::string& address) {
    const std::string name = from + " to " + to;
    std::unique_ptr<network::FaultProxy>& proxy = links_[name];
    if (!proxy) {
        network::FaultProxy::Options options;
        options.protocol = protocol_of(to);
        options.seed = seed_ + links_.size();
        proxy = std::make_unique<network::FaultProxy>(ports_in(address), options);
    }
    const std::string one = address.substr(0, address.find(','));
    std::smatch port;
    std::regex_search(one, port, loopback_port);
    return port.prefix().str() + port.str().substr(0, port.str().size() - port[1].str().size()) +
           std::to_string(proxy->port()) + port.suffix().str();
}

std::vector<std::string> Links::names() const {
    return names_to("");
}

std::vector<std::string> Links::names_to(const std::string& end) const {
    std::vector<std::string> names;
    for (const auto& [name, proxy] : links_) {
        if (name.ends_with(end)) names.push_back(name);
    }
    return names;
}

void Links::heal_all() {
    for (const auto& [name, proxy] : links_)
        proxy->heal();
}

}  // namespace ordersaga::chaos
