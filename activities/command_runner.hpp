// From one command to its outcome: who is meant, may it still be sent, what came back.
//
// Purpose: everything a worker decides, without a broker: tests hand in envelopes and read outcomes.
// Thread: one executor; commands run side by side as coroutines on it.
// Errors: none thrown; a payload that breaks the contract is `refused`, an unknown store or warehouse is `blocked`.
// Repeat: one attempt per call; a repeated write looks before it writes.
#pragma once

#include "activities/credentials.hpp"
#include "activities/database_clock.hpp"
#include "activities/recipients.hpp"
#include "activities/shopify/store_client.hpp"
#include "activities/wms/wms.hpp"
#include "activities/worker_config.hpp"
#include "sagas/outcome.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::broker {
struct Envelope;
}

namespace ordersaga::runtime {
class HttpTransport;
class Random;
}  // namespace ordersaga::runtime

namespace ordersaga::activities {

class CommandRunner {
public:
    // `recipients` tells whom an order goes to. `kept`: where the tokens are that the configuration does not name; may be
    // null when it names all.
    CommandRunner(
        const WorkerConfig& config,
        runtime::HttpTransport& transport,
        const DatabaseClock& clock,
        runtime::Random& random,
        std::shared_ptr<Recipients> recipients,
        const std::shared_ptr<Credentials>& kept = nullptr);

    // seen_before: this very attempt may have been run already (the broker delivered it again).
    boost::asio::awaitable<sagas::Outcome> run(broker::Envelope command, bool seen_before);

private:
    boost::asio::awaitable<sagas::Outcome> dispatch(
        const broker::Envelope& command,
        const nlohmann::json& payload,
        bool lookup_first,
        CallScope& scope);

    // Puts the recipient into the payload; an outcome: why that cannot be.
    boost::asio::awaitable<std::optional<sagas::Outcome>> add_recipient(
        const broker::Envelope& command,
        nlohmann::json& payload);

    const DatabaseClock& clock_;
    runtime::Random& random_;
    std::shared_ptr<Recipients> recipients_;
    std::optional<runtime::KeyRing> keys_;
    std::chrono::milliseconds call_timeout_;
    std::map<std::string, shopify::StoreClient> stores_;
    std::map<std::string, std::unique_ptr<wms::Wms>> warehouses_;
};

}  // namespace ordersaga::activities
