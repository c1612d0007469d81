// The engine's two ways through the broker: commands and events out (with confirms), outcomes in (acked after the commit).
#pragma once

#include "broker/address.hpp"
#include "broker/consumer.hpp"
#include "broker/publisher.hpp"
#include "broker/topology.hpp"
#include "orchestrator/engine/sinks.hpp"
#include "orchestrator/engine_loop.hpp"
#include "runtime/sealing.hpp"
#include "sagas/definition.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga {

// Commands go to <family>.<activity> on the commands exchange, announcements to the events exchange. What the buffer does
// not take stays in its row; the relay offers it again. send() and announce() run on the engine's thread.
class BrokerSink final : public engine::CommandSink {
public:
    // Activities of several kinds of sagas must not share a name.
    BrokerSink(
        const broker::Address& address,
        const broker::TopologyOptions& topology,
        std::vector<const sagas::SagaDefinition*> definitions,
        runtime::Metrics& metrics);
    ~BrokerSink() override;

    // The loop hears of confirmations from now on.
    void connect(EngineLoop& loop);
    void stop();

    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void announce(const std::vector<engine::AnnouncementRow>& announcements) override;
    broker::Health health() const;

private:
    struct Sent {
        std::string command_id, attempt_token;
        std::int64_t announcement_id = 0;
    };

    std::string routing_key_of(const engine::CommandRow& command) const;
    void offer(broker::Message message, Sent sent);
    void on_results(const std::vector<broker::PublishResult>& results);

    broker::Names names_;
    std::vector<const sagas::SagaDefinition*> definitions_;
    runtime::Metrics& metrics_;
    std::mutex mutex_;  // guards what follows
    std::map<std::uint64_t, Sent> under_way_;
    std::uint64_t next_tag_ = 1;
    EngineLoop* loop_ = nullptr;
    std::unique_ptr<broker::Publisher> publisher_;
};

// Outcomes of all shards this process serves. A message that is no outcome goes to the dead letters with a reason in the
// log; an outcome whose attempt is not open changes nothing and is acked.
class OutcomeSource {
public:
    OutcomeSource(
        const broker::Address& address,
        const broker::TopologyOptions& topology,
        EngineLoop& loop,
        runtime::Metrics& metrics,
        runtime::KeyRing keys);
    ~OutcomeSource();

    // Exactly these shards from now on.
    void serve(const std::vector<int>& shards);
    void stop();
    broker::Health health() const;

private:
    void on_deliveries(std::vector<broker::Delivery> deliveries);

    broker::Names names_;
    EngineLoop& loop_;
    runtime::Metrics& metrics_;
    const runtime::KeyRing keys_;
    std::vector<int> shards_;
    std::unique_ptr<broker::Consumer> consumer_;
};

}  // namespace ordersaga
