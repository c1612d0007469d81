#include "orchestrator/apart_engine.hpp"

#include "db/pg_store.hpp"
#include "orchestrator/orchestrator_config.hpp"

#include <stdexcept>
#include <variant>

namespace ordersaga {
namespace {

constexpr std::chrono::milliseconds gathered{50};
constexpr std::size_t gathered_limit = 1'000;

// What goes through here moves no saga.
class NothingToSend final : public engine::CommandSink {
public:
    void send(const std::vector<engine::CommandRow>&, int) override { refuse(); }
    void announce(const std::vector<engine::AnnouncementRow>&) override { refuse(); }

private:
    [[noreturn]] static void refuse() { throw std::logic_error("an input apart from the others has moved a saga"); }
};

EngineLoopOptions options_of(EngineLoopOptions options) {
    options.looks = false;
    options.nice = 0;
    options.linger = gathered;
    options.batch_limit = gathered_limit;
    return options;
}

}  // namespace

struct ApartEngine::Parts {
    Parts(
        const OrchestratorConfig& config,
        const std::vector<const sagas::SagaDefinition*>& definitions,
        runtime::Random& random,
        runtime::Metrics& metrics)
        : store({config.engine_dsn, "ordersaga-levels"}, *config.credential_keys, config.prepared_statements),
          participant(random, config.orders),
          engine(store, participant, definitions, sink, random, config.engine),
          loop(engine, metrics, options_of(config.loop)) {}

    db::PgStore store;
    orders::OrderParticipant participant;
    NothingToSend sink;
    engine::Engine engine;
    EngineLoop loop;
};

ApartEngine::ApartEngine(
    webhook::IntakeQueue& others,
    const OrchestratorConfig& config,
    const std::vector<const sagas::SagaDefinition*>& definitions,
    runtime::Random& random,
    runtime::Metrics& metrics)
    : others_(others), parts_(std::make_unique<Parts>(config, definitions, random, metrics)) {}

ApartEngine::~ApartEngine() = default;

void ApartEngine::start() {
    parts_->loop.start();
}

void ApartEngine::stop() {
    parts_->loop.stop();
}

bool ApartEngine::offer(engine::Input input) {
    const auto* arrival = std::get_if<engine::Arrival>(&input.content);
    if (arrival != nullptr && arrival->apart) return parts_->loop.offer(std::move(input));
    return others_.offer(std::move(input));
}

}  // namespace ordersaga
