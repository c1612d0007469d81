// The settings of the program orchestrator, as one struct. Read once; every value can be overridden by the environment
// (ORDERSAGA_<SECTION>_<KEY>); all faults are told at once. deploy/ordersaga.toml shows all of them.
#pragma once

#include "db/retention.hpp"
#include "orchestrator/api/gate.hpp"
#include "orchestrator/engine/engine.hpp"
#include "orchestrator/engine_loop.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "runtime/config.hpp"
#include "runtime/sealing.hpp"
#include "sagas/order_saga.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ordersaga {

struct OrchestratorConfig {
    std::string engine_dsn;
    std::string api_dsn;
    std::string amqp_url;
    std::string amqp_prefix;
    std::string amqp_ca_file;
    bool amqp_lists = true;  // several commands or outcomes in one message
    std::string public_address;
    std::uint16_t public_port = 8080;
    std::string private_address;
    std::uint16_t private_port = 8081;
    api::GateOptions gate;
    bool secure_cookie = false;
    std::string log_level;
    std::string member_id;            // empty: made from host and process
    bool prepared_statements = true;  // not behind a pooler that does not know them
    engine::EngineOptions engine;
    EngineLoopOptions loop;
    orders::OrderParticipantSettings orders;
    sagas::OrderSagaSettings saga;
    db::Retention retention;
    std::optional<runtime::KeyRing>
        credential_keys;  // seals credentials and personal data in the database; there, when there is no fault
};

// Check reader.finish() afterwards.
OrchestratorConfig read_orchestrator_config(runtime::ConfigReader& reader);

}  // namespace ordersaga
