// The PostgreSQL and the RabbitMQ of one data directory: on loopback ports of their own, with passwords of their own, by the
// programs that Debian's packages install. Nothing of the host's servers is touched.
#pragma once

#include "supervisor/supervised.hpp"

#include <string>

namespace ordersaga::supervisor {

class DataDirectory;

// Where the servers are; the same from run to run as long as nobody else has taken a port.
struct ServerAddresses {
    std::string admin_dsn;
    std::string amqp_url;
};

// Makes the database cluster on the first run. Throws NotUsable when the programs are not installed, or not of the version
// that made the data.
Service postgresql(DataDirectory& data);
// RabbitMQ asks Erlang's port mapper, which has to run first.
Service port_mapper(DataDirectory& data);
Service rabbitmq(DataDirectory& data);
// After the three above.
ServerAddresses addresses(DataDirectory& data);

}  // namespace ordersaga::supervisor
