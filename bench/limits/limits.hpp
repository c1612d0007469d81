// What the bare servers do on this machine, so that the system's own figures can be put beside them: their ratio says how much
// of a server is used, on any machine. Nothing of the engine is in it; statements, rows and messages have the shape and size
// of the real ones, durability is the real one, and it is read from the servers before anything is measured.
//
// Blocks for about twice `seconds` for each of the three. Throws std::runtime_error when a server cannot be reached, is not
// durable, or did not do what was counted. Safe to repeat: everything made is made anew and removed at the end.
#pragma once

#include <string>

namespace ordersaga::bench {

struct Limits {
    // Steps of sagas: a saga's new version, state and data, a line of history, a message put into the outbox and the one of the
    // step before taken out. 300 in a transaction, one after the other on one connection.
    double postgres_steps_per_s = 0;
    // Persistent messages of 1 kB into a quorum queue, confirmed, as many under way as the product has.
    double rabbitmq_publish_per_s = 0;
    // The same messages out of it, each acked.
    double rabbitmq_consume_per_s = 0;
};

// Each figure is the median of five rounds, which take turns; `seconds` is what the five rounds of one figure take together.
Limits measure_limits(const std::string& admin_dsn, const std::string& amqp_url, double seconds);

}  // namespace ordersaga::bench
