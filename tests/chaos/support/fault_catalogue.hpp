// Every real fault that is caused here: of PostgreSQL, of RabbitMQ, of our own processes, of the network and of the peers.
// A fault begins, lasts, ends; what it leaves behind is the system's to mend. Main thread.
#pragma once

#include "runtime/random.hpp"
#include "sandbox/demo/system.hpp"
#include "tests/chaos/support/links.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace ordersaga::chaos {

struct Victims {
    demo::System& system;
    Links& links;
    std::string admin_dsn;          // past every proxy
    std::string amqp_url;           // likewise
    std::string prefix;             // of the queues
    std::filesystem::path ballast;  // where PostgreSQL's disk can be filled; empty: it has none of its own
};

using Ending = std::function<void()>;

struct Fault {
    std::string name;  // "PostgreSQL stopped at once"
    std::string
        subject;  // of which only one fault at a time: "postgresql", "rabbitmq", a program's name, a link's, "peers"
    std::chrono::milliseconds shortest{0}, longest{0};
    // Causes it; the ending takes it back. `random` decides what is left open.
    std::function<Ending(runtime::Random&)> begin;
};

// All that can be caused here. Without a disk of PostgreSQL's own there is no full one.
std::vector<Fault> all_faults(Victims& victims);
// Throws std::out_of_range.
const Fault& fault_named(const std::vector<Fault>& faults, const std::string& name);

// Fills PostgreSQL's disk but for nothing; the ending frees it. A database that panicked over it is started again, as
// whoever watches over it would.
Ending fill_disk(Victims& victims);
// A message that nobody understands, straight to a queue.
void send_undecodable(const Victims& victims, const std::string& queue, const std::string& body);
void delete_queue(const Victims& victims, const std::string& queue);

}  // namespace ordersaga::chaos
