// A command's and its outcome's way over the broker: tree to text and text to tree, as orchestrator and worker do it.
#include "bench/micro/messages.hpp"

#include "bench/micro/happy_path.hpp"
#include "bench/micro/must.hpp"
#include "runtime/json.hpp"

#include <benchmark/benchmark.h>

namespace ordersaga::bench {

namespace {

const HappyPath& path() {
    static const HappyPath of_one_line = happy_path(sagas::OrderSaga(), 1);
    return of_one_line;
}

void encode_command(benchmark::State& state) {
    const std::size_t size = broker::encode(command_envelope(path())).value().size();
    broker::Envelope envelope = command_envelope(path());
    for (auto _ : state) {
        envelope.payload = runtime::dump_json(path().request.payload);
        must(broker::encode(envelope).value().size() == size, "an encoded command");
    }
    state.counters["bytes"] = static_cast<double>(size);
}

void decode_command(benchmark::State& state) {
    const std::string body = broker::encode(command_envelope(path())).value();
    for (auto _ : state) {
        const broker::Envelope envelope = broker::decode(body).value();
        const nlohmann::json payload = runtime::parse_json(envelope.payload).value();
        must(payload.size() == path().request.payload.size(), "the command's payload");
    }
}

void encode_outcome(benchmark::State& state) {
    const std::size_t size = broker::encode(outcome_envelope(path())).value().size();
    broker::Envelope envelope = outcome_envelope(path());
    for (auto _ : state) {
        envelope.payload = runtime::dump_json(sagas::to_json(path().accepted));
        must(broker::encode(envelope).value().size() == size, "an encoded outcome");
    }
    state.counters["bytes"] = static_cast<double>(size);
}

void decode_outcome(benchmark::State& state) {
    const std::string body = broker::encode(outcome_envelope(path())).value();
    for (auto _ : state) {
        const broker::Envelope envelope = broker::decode(body).value();
        const sagas::Outcome outcome = sagas::outcome_from_json(runtime::parse_json(envelope.payload).value());
        must(outcome.kind == sagas::OutcomeKind::done && outcome.payload.contains("view"), "the outcome");
    }
}

BENCHMARK(encode_command)->Name("command/encode");
BENCHMARK(decode_command)->Name("command/decode");
BENCHMARK(encode_outcome)->Name("outcome/encode");
BENCHMARK(decode_outcome)->Name("outcome/decode");

}  // namespace

broker::Envelope command_envelope(const HappyPath& path) {
    broker::Envelope envelope;
    envelope.kind = broker::EnvelopeKind::command;
    envelope.message_id = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b.1";
    envelope.merchant_id = "1";
    envelope.saga_id = "01890000-0000-7000-8000-000000000001";
    envelope.step = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    envelope.activity = path.request.activity;
    envelope.attempt = 1;
    envelope.attempt_token = "5b0e7c1a-93d4-4f6b-8e2f-1a7c5d3b9e60";
    envelope.idempotency_key = path.request.idempotency_key;
    envelope.reply_to = "outcome.3";
    envelope.send_before = path_begins + std::chrono::seconds(5);
    envelope.deadline = path_begins + std::chrono::seconds(20);
    envelope.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    envelope.payload = runtime::dump_json(path.request.payload);
    return envelope;
}

broker::Envelope outcome_envelope(const HappyPath& path) {
    broker::Envelope envelope = command_envelope(path);
    envelope.kind = broker::EnvelopeKind::outcome;
    envelope.message_id = "c2a7f6d0-41be-4c3a-9d0f-6e8b7a5c4d31";
    envelope.reply_to.clear();
    envelope.send_before.reset();
    envelope.deadline.reset();
    envelope.payload = runtime::dump_json(sagas::to_json(path.accepted));
    return envelope;
}

}  // namespace ordersaga::bench
