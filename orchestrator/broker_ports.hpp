// The engine's two ways through the broker: commands and events out (with confirms), outcomes in (acked after the commit).
#pragma once

#include "broker/address.hpp"
#include "broker/consumer.hpp"
#include "broker/publisher.hpp"
#include "broker/topology.hpp"
#include "orchestrator/engine/sinks.hpp"
#include "orchestrator/engine_loop.hpp"
#include "orchestrator/list_terms.hpp"
#include "runtime/sealing.hpp"
#include "sagas/definition.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga {

// Commands go to <family>.<activity> on the commands exchange, announcements to the events exchange. Commands of one batch
// for one key share messages where their workers read that. What the buffer does not take stays in its row; the relay offers
// it again. send() and announce() run on the engine's thread.
class BrokerSink final : public engine::CommandSink {
public:
    // Activities of several kinds of sagas must not share a name. `lists`: several commands or outcomes in one message, where
    // both sides read that.
    BrokerSink(
        const broker::Address& address,
        const broker::TopologyOptions& topology,
        std::vector<const sagas::SagaDefinition*> definitions,
        runtime::Metrics& metrics,
        ListTerms::Options lists = {});
    ~BrokerSink() override;

    // The loop hears of confirmations from now on.
    void connect(EngineLoop& loop);
    void stop();

    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void announce(const std::vector<engine::AnnouncementRow>& announcements) override;
    broker::Health health() const;

    // Any thread, from OutcomeSource: which shards' outcomes come to this process, and whether a worker reads lists.
    void serves(std::vector<int> shards) { terms_.serves(std::move(shards)); }
    void answered(const std::string& activity, bool reads_lists);

    // Commands in one message, at most. Less than the deliveries that the broker makes of one (x-delivery-limit), see Worker.
    static constexpr std::size_t most_in_a_list = 16;

private:
    // What one message carries: commands or one announcement.
    struct Sent {
        std::vector<std::pair<std::string, std::string>> commands_and_tokens;
        std::int64_t announcement_id = 0;
    };
    struct Encoded {
        std::string message_id, body;
        const engine::CommandRow* command;
    };

    std::optional<std::string> family_of(const std::string& activity) const;
    void offer_lists(const std::string& routing_key, const std::vector<Encoded>& commands);
    void offer_commands(const std::string& routing_key, const std::vector<const Encoded*>& commands);
    void offer(broker::Message message, Sent sent);
    void on_results(const std::vector<broker::PublishResult>& results);

    broker::Names names_;
    std::vector<const sagas::SagaDefinition*> definitions_;
    runtime::Metrics& metrics_;
    ListTerms terms_;
    std::mutex mutex_;  // guards what follows
    std::map<std::uint64_t, Sent> under_way_;
    std::uint64_t next_tag_ = 1;
    EngineLoop* loop_ = nullptr;
    std::unique_ptr<broker::Publisher> publisher_;
};

// Outcomes of all shards this process serves. A message that is no outcome goes to the dead letters with a reason in the
// log; one of several outcomes is acked when all are committed, and goes to the dead letters after that when a part of it is
// none. An outcome whose attempt is not open changes nothing and is acked.
class OutcomeSource {
public:
    OutcomeSource(
        const broker::Address& address,
        const broker::TopologyOptions& topology,
        EngineLoop& loop,
        runtime::Metrics& metrics,
        runtime::KeyRing keys,
        BrokerSink* sink = nullptr);  // hears who reads lists, and where
    ~OutcomeSource();

    // Exactly these shards from now on.
    void serve(const std::vector<int>& shards);
    void stop();
    broker::Health health() const;

private:
    struct Arrival;

    void on_deliveries(std::vector<broker::Delivery> deliveries);
    void take(const broker::Delivery& delivery);
    // Throws what says why it is none.
    engine::OutcomeArrived read(std::string_view body);
    void refuse(const broker::Delivery& delivery, const std::string& fault);
    void settle(Arrival& arrival, engine::InputResult::Kind kind);

    broker::Names names_;
    EngineLoop& loop_;
    BrokerSink* const sink_;
    runtime::Metrics& metrics_;
    const runtime::KeyRing keys_;
    std::vector<int> shards_;
    std::unique_ptr<broker::Consumer> consumer_;
};

}  // namespace ordersaga
