#include "tests/chaos/support/fault_catalogue.hpp"

#include "broker/connection.hpp"
#include "broker/publisher.hpp"
#include "broker/topology.hpp"
#include "db/session.hpp"
#include "sandbox/demo/fault_plan.hpp"

#include <nlohmann/json.hpp>
#include <signal.h>

#include <fstream>
#include <stdexcept>
#include <utility>

namespace ordersaga::chaos {
namespace {

using network::Direction;
using network::FaultProxy;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* end_sessions =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ordersaga-%'";

void run_sql(const Victims& victims, const std::vector<std::string>& statements) {
    db::Connection connection({victims.admin_dsn, "chaos-nemesis"});
    for (const std::string& statement : statements)
        connection.autocommit(statement);
}

broker::Address address_of(const Victims& victims) {
    return broker::parse_address(victims.amqp_url).value();
}

Ending nothing() {
    return [] {
    };
}

// --- servers ---------------------------------------------------------------------------------------------------------

std::vector<Fault> of_postgresql(Victims& victims) {
    demo::System& system = victims.system;
    std::vector<Fault> faults{
        {"PostgreSQL stopped at once", "postgresql", milliseconds(500), seconds(8),
         [&system](runtime::Random&) -> Ending {
             system.servers({"signal", "QUIT", "pg"});
             return [&system] {
                 system.restart_server("pg");
             };
         }},
        {"PostgreSQL killed", "postgresql", milliseconds(0), seconds(5),
         [&system](runtime::Random&) -> Ending {
             system.servers({"kill", "pg"});
             return [&system] {
                 system.restart_server("pg");
             };
         }},
        {"PostgreSQL frozen", "postgresql", seconds(3), seconds(12),
         [&system](runtime::Random&) -> Ending {
             system.servers({"signal", "STOP", "pg"});
             return [&system] {
                 system.servers({"signal", "CONT", "pg"});
             };
         }},
        {"PostgreSQL ends every connection", "postgresql", seconds(0), seconds(0),
         [&victims](runtime::Random&) -> Ending {
             run_sql(victims, {end_sessions});
             return nothing();
         }},
        {"PostgreSQL takes no writes", "postgresql", seconds(2), seconds(8),
         [&victims](runtime::Random&) -> Ending {
             // For the sessions to come; the others end.
             run_sql(victims, {"ALTER DATABASE ordersaga_demo SET default_transaction_read_only = on", end_sessions});
             return [&victims] {
                 run_sql(victims, {"ALTER DATABASE ordersaga_demo RESET default_transaction_read_only", end_sessions});
             };
         }},
    };
    if (!victims.ballast.empty()) {
        faults.push_back({"PostgreSQL's disk full", "postgresql", seconds(3), seconds(8), [&victims](runtime::Random&) {
                              return fill_disk(victims);
                          }});
    }
    return faults;
}

std::vector<Fault> of_rabbitmq(Victims& victims) {
    demo::System& system = victims.system;
    const auto alarm = [&system](std::string name, std::string raise, std::string lower) {
        return Fault{
            std::move(name), "rabbitmq", seconds(3), seconds(10),
            [&system, raise = std::move(raise), lower = std::move(lower)](runtime::Random&) -> Ending {
                system.servers({"eval", raise});
                return [&system, lower] {
                    system.servers({"eval", lower});
                };
            }};
    };
    return {
        {"RabbitMQ killed", "rabbitmq", milliseconds(0), seconds(6),
         [&system](runtime::Random&) -> Ending {
             system.servers({"kill", "rabbitmq"});
             return [&system] {
                 system.restart_server("rabbitmq");
             };
         }},
        {"RabbitMQ restarted", "rabbitmq", seconds(0), seconds(0),
         [&system](runtime::Random&) -> Ending {
             return [&system] {
                 system.restart_server("rabbitmq");
             };
         }},
        {"RabbitMQ frozen", "rabbitmq", seconds(3), seconds(15),
         [&system](runtime::Random&) -> Ending {
             system.servers({"signal", "STOP", "rabbitmq"});
             return [&system] {
                 system.servers({"signal", "CONT", "rabbitmq"});
             };
         }},
        alarm(
            "RabbitMQ's memory alarm", "vm_memory_monitor:set_vm_memory_high_watermark(0.00001).",
            "vm_memory_monitor:set_vm_memory_high_watermark(0.4)."),
        alarm(
            "RabbitMQ's disk alarm", "rabbit_disk_monitor:set_disk_free_limit(\"900GB\").",
            "rabbit_disk_monitor:set_disk_free_limit(\"50MB\")."),
        {"a queue deleted", "rabbitmq", seconds(0), seconds(0),
         [&victims](runtime::Random& random) -> Ending {
             const broker::Names names(victims.prefix);
             const std::vector<std::string> queues{
                 names.command_queue("shopify"), names.command_queue("shipbob"),
                 names.outcome_queue(static_cast<int>(random.below(8)))};
             delete_queue(victims, queues[random.below(queues.size())]);
             return nothing();
         }},
        {"messages nobody understands", "rabbitmq", seconds(0), seconds(0),
         [&victims](runtime::Random& random) -> Ending {
             const broker::Names names(victims.prefix);
             for (int count = 0; count < 20; ++count) {
                 std::string body = count % 2 == 0 ? "{\"schema\":" : "";
                 for (std::uint64_t letters = random.below(200); letters > 0; --letters)
                     body.push_back(static_cast<char>(random.below(256)));
                 send_undecodable(victims, names.command_queue("shopify"), body);
                 send_undecodable(victims, names.outcome_queue(count % 8), body);
             }
             return nothing();
         }},
    };
}

// --- our own processes -----------------------------------------------------------------------------------------------

std::vector<Fault> of_processes(Victims& victims) {
    demo::System& system = victims.system;
    std::vector<Fault> faults;
    for (const std::string& program : system.programs()) {
        faults.push_back(
            {program + " killed", program, seconds(0), seconds(0),
             [&system, program](runtime::Random& random) -> Ending {
                 system.kill(program, milliseconds(random.below(12'000)));
                 return nothing();
             }});
        // Longer than the members' lease, than a call and than an attempt.
        faults.push_back(
            {program + " frozen", program, seconds(6), seconds(20), [&system, program](runtime::Random&) -> Ending {
                 system.signal(program, SIGSTOP);
                 return [&system, program] {
                     system.signal(program, SIGCONT);
                 };
             }});
    }
    return faults;
}

// --- the network -----------------------------------------------------------------------------------------------------

// What hurts most on such a link, at a message.
std::vector<network::CutAt> worst_cuts(const std::string& link) {
    if (link.ends_with(" to postgresql")) {
        return {
            {Direction::to_client, "COMMIT done", false},  // committed, and nobody hears it
            {Direction::to_server, "COMMIT", false},
            {Direction::to_server, "statement", true}};
    }
    if (link.ends_with(" to rabbitmq")) {
        return {
            {Direction::to_client, "basic.ack", false},     // a confirm
            {Direction::to_server, "basic.publish", true},  // half a message
            {Direction::to_server, "basic.ack", false},     // a receipt
            {Direction::to_client, "basic.deliver", true}};
    }
    return {
        {Direction::to_client, "answer", false},  // done, and nobody hears it
        {Direction::to_server, "request", false}};
}

Fault on_link(
    Victims& victims,
    const std::string& link,
    const std::string& what,
    seconds longest,
    const std::function<void(FaultProxy&, runtime::Random&)>& spoil) {
    return {
        what + ", " + link, link, seconds(longest.count() / 3), longest,
        [&victims, link, spoil](runtime::Random& random) -> Ending {
            FaultProxy& proxy = victims.links.at(link);
            spoil(proxy, random);
            return [&proxy] {
                proxy.heal();
            };
        }};
}

std::vector<Fault> of_links(Victims& victims) {
    std::vector<Fault> faults;
    for (const std::string& link : victims.links.names()) {
        const auto add = [&](const std::string& what, seconds longest, auto spoil) {
            faults.push_back(on_link(victims, link, what, longest, spoil));
        };
        add("half-open", seconds(15), [](FaultProxy& proxy, runtime::Random& random) {
            proxy.set(random.chance(0.5) ? Direction::to_server : Direction::to_client, {.swallowed = true});
        });
        add("no way through", seconds(9), [](FaultProxy& proxy, runtime::Random&) {
            proxy.refuse(true);
            proxy.cut();
        });
        add("reset", seconds(0), [](FaultProxy& proxy, runtime::Random&) { proxy.cut(); });
        add("half-closed", seconds(6), [](FaultProxy& proxy, runtime::Random& random) {
            proxy.half_close(random.chance(0.5) ? Direction::to_server : Direction::to_client);
        });
        add("slow and sliced", seconds(12), [](FaultProxy& proxy, runtime::Random&) {
            for (const Direction direction : {Direction::to_server, Direction::to_client})
                proxy.set(direction, {.delay = milliseconds(30), .jitter = milliseconds(60), .slice = 7});
        });
        add("narrow", seconds(9), [](FaultProxy& proxy, runtime::Random&) {
            for (const Direction direction : {Direction::to_server, Direction::to_client})
                proxy.set(direction, {.bytes_per_second = 32 * 1024});
        });
        add("cut among its bytes", seconds(3), [](FaultProxy& proxy, runtime::Random& random) {
            proxy.cut_after(
                random.chance(0.5) ? Direction::to_server : Direction::to_client,
                static_cast<std::size_t>(random.below(20'000)));
        });
        for (const network::CutAt& where : worst_cuts(link)) {
            const std::string what = std::string("cut ") + (where.passes_first ? "after " : "before ") +
                                     (where.direction == Direction::to_server ? "sending " : "receiving ") +
                                     where.message;
            add(what, seconds(6), [where](FaultProxy& proxy, runtime::Random&) { proxy.cut_at(where); });
        }
    }
    return faults;
}

// --- the peers -------------------------------------------------------------------------------------------------------

std::vector<Fault> of_peers(Victims& victims) {
    demo::System& system = victims.system;
    std::vector<Fault> faults;
    for (const std::string peer : {"shopify", "shipbob"}) {
        faults.push_back(
            {peer + " away", "peers", seconds(2), seconds(8), [&system, peer](runtime::Random& random) -> Ending {
                 // An hour: the ending brings it back.
                 system.control(
                     "POST", "/control/outages",
                     {{"peer", peer}, {"seconds", 3600}, {"mode", random.chance(0.5) ? "reset" : "503"}});
                 return [&system, peer] {
                     system.control("POST", "/control/outages", {{"peer", peer}, {"seconds", 0.001}, {"mode", "503"}});
                 };
             }});
    }
    faults.push_back(
        {"peers in every bad mood", "peers", seconds(4), seconds(10), [&system](runtime::Random&) -> Ending {
             system.control("PUT", "/control/faults", demo::faults_on("harsh"));
             return [&system] {
                 system.control("PUT", "/control/faults", demo::faults_off());
             };
         }});
    return faults;
}

}  // namespace

std::vector<Fault> all_faults(Victims& victims) {
    std::vector<Fault> faults;
    for (std::vector<Fault> some :
         {of_postgresql(victims), of_rabbitmq(victims), of_processes(victims), of_links(victims), of_peers(victims)}) {
        for (Fault& fault : some)
            faults.push_back(std::move(fault));
    }
    return faults;
}

const Fault& fault_named(const std::vector<Fault>& faults, const std::string& name) {
    for (const Fault& fault : faults) {
        if (fault.name == name) return fault;
    }
    throw std::out_of_range("no fault is called " + name);
}

Ending fill_disk(Victims& victims) {
    if (victims.ballast.empty()) throw std::logic_error("PostgreSQL has no disk of its own to fill");
    {
        std::ofstream file(victims.ballast, std::ios::binary);
        const std::string block(64 * 1024, 'b');
        while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    }
    return [&victims] {
        std::filesystem::remove(victims.ballast);
        try {
            run_sql(victims, {});
        } catch (const db::DatabaseError&) {
            victims.system.restart_server("pg");
        }
    };
}

void send_undecodable(const Victims& victims, const std::string& queue, const std::string& body) {
    broker::Connection connection(address_of(victims), {.name = "chaos-nemesis"});
    connection.open().value();
    connection.open_channel(1).value();
    broker::Message message;  // the default exchange: the key is the queue
    message.routing_key = queue;
    message.body = body;
    connection.publish(1, message).value();
    connection.close();
}

void delete_queue(const Victims& victims, const std::string& queue) {
    broker::Connection connection(address_of(victims), {.name = "chaos-nemesis"});
    connection.open().value();
    connection.open_channel(1).value();
    connection.delete_queue(1, queue).value();
    connection.close();
}

}  // namespace ordersaga::chaos
