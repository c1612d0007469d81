// A worker's one command against a peer whose answers stand in the input: from the envelope to the outcome, by the code that
// runs in production. Of the fuzz targets only.
//
//   FlushStock                      the command; its payload is the target's
//   ====
//   200 Retry-After: 3              status and perhaps a header field; "lost": sent, and no answer; "refused": not sent
//   {"data": ..}
//   ====
//   ...                             the next answer
#pragma once

#include "activities/command_runner.hpp"
#include "broker/envelope.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "sagas/outcome.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/unit/activities/one_recipient.hpp"
#include "tests/unit/activities/peers.hpp"

#include <charconv>
#include <map>
#include <string>

namespace ordersaga::fuzz {

constexpr std::size_t most_answers = 6;

inline runtime::HttpOutcome answer_of(std::string_view section) {
    const std::string_view head = take_line(section);
    if (head == "lost") return activities::tests::lost_answer();
    if (head == "refused") return activities::tests::refused_connection();
    int status = 200;
    const auto [end, fault] = std::from_chars(head.data(), head.data() + head.size(), status);
    runtime::HttpHeaders headers;
    const std::string_view field = head.substr(static_cast<std::size_t>(end - head.data()));
    if (const std::size_t colon = field.find(": "); colon != std::string_view::npos && colon > 1)
        headers.emplace_back(field.substr(1, colon - 1), field.substr(colon + 2));
    return activities::tests::answer(status < 200 || status > 999 ? 200 : status, std::string(section), headers);
}

// What must hold for every outcome, whatever the peer said.
inline void check_outcome(
    const sagas::Outcome& outcome,
    const broker::Envelope& command,
    const std::vector<runtime::HttpCall>& calls,
    bool last_write_lost) {
    using sagas::OutcomeKind;
    HOLDS(!has_control(outcome.reason));
    if (outcome.kind != OutcomeKind::done && outcome.kind != OutcomeKind::too_late) HOLDS(!outcome.reason.empty());
    if (outcome.retry_after) HOLDS(outcome.retry_after->count() >= 0 && *outcome.retry_after <= std::chrono::hours(2));
    // A write that was sent and never answered may have happened.
    if (last_write_lost) {
        HOLDS(outcome.kind != OutcomeKind::retryable && outcome.kind != OutcomeKind::throttled);
        HOLDS(outcome.kind != OutcomeKind::refused);
    }
    for (const runtime::HttpCall& call : calls)
        HOLDS(call.url.find_first_of(std::string_view(" \r\n\0", 4)) == std::string::npos);
    // The engine can be told of it, and understands the same.
    const nlohmann::json told = sagas::to_json(outcome);
    broker::Envelope reply;
    reply.kind = broker::EnvelopeKind::outcome;
    reply.message_id = "o-1";
    reply.merchant_id = command.merchant_id;
    reply.activity = command.activity;
    reply.attempt_token = command.attempt_token;
    reply.payload = runtime::dump_json(told);
    const auto encoded = broker::encode(reply);
    HOLDS(encoded.ok());
    const auto decoded = broker::decode(*encoded);
    HOLDS(decoded.ok());
    const auto payload = runtime::parse_json(decoded->payload);
    HOLDS(
        payload &&
        runtime::dump_json(sagas::to_json(sagas::outcome_from_json(*payload))) == runtime::dump_json(*payload));
}

// Runs the command that the input names; the first of `payloads` when it names none.
inline sagas::Outcome run_command(std::string_view input, const std::map<std::string, nlohmann::json>& payloads) {
    namespace tests = activities::tests;
    const auto parts = sections(input, most_answers + 1);
    const auto named = payloads.find(std::string(parts[0]));
    const auto& [activity, payload] = named == payloads.end() ? *payloads.begin() : *named;
    broker::Envelope command;
    command.message_id = "c-1";
    command.merchant_id = "1";
    command.saga_id = "s-1";
    command.activity = activity.substr(0, activity.find(' '));  // one may be there with several payloads
    command.attempt_token = "t-1";
    command.payload = payload.dump();

    tests::ScriptedPeer peer;
    bool last_lost = false;
    std::vector<bool> lost;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].empty()) continue;
        lost.push_back(parts[i] == "lost" || parts[i].starts_with("lost\n"));
        peer.will(answer_of(parts[i]));
    }
    static const tests::FixedDatabaseClock clock;
    static const activities::WorkerConfig config = [] {
        activities::WorkerConfig made;
        made.stores = {{"eu", "https://eu-shirts.myshopify.com", "2026-07", "token"}};
        made.warehouses = {{"main", "shipbob", "https://api.shipbob.com", "2026-01", "77", "token"}};
        return made;
    }();
    runtime::SeededRandom random{1};
    const auto recipient = std::make_shared<tests::OneRecipient>();
    activities::CommandRunner runner(config, peer, clock, random, recipient);
    const sagas::Outcome outcome = tests::run(runner.run(command, false));

    if (!peer.calls.empty() && peer.calls.size() <= lost.size()) {
        const runtime::HttpCall& last = peer.calls.back();
        const bool write = last.method != "GET" && (last.url.find("graphql") == std::string::npos ||
                                                    last.body.find("\"mutation") != std::string::npos);
        last_lost = write && lost[peer.calls.size() - 1];
    }
    check_outcome(outcome, command, peer.calls, last_lost);
    // Not by an exception that nobody thought of. What tells of one may be a peer's own words, too.
    constexpr std::string_view broke = "the worker broke";
    HOLDS(!outcome.reason.starts_with(broke) || input.find(broke) != std::string_view::npos);
    return outcome;
}

}  // namespace ordersaga::fuzz
