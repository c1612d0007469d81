// Messages of the broker: one is taken apart into what it was put together from; what is accepted as an envelope can be sent on and is read as the same, within all limits; an
// outcome inside it keeps its meaning.
#include "broker/envelope.hpp"
#include "broker/envelope_list.hpp"
#include "runtime/json.hpp"
#include "sagas/outcome.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>

namespace ordersaga::fuzz {
namespace {

using broker::Envelope;
using broker::EnvelopeKind;
using nlohmann::json;

void check_same(const Envelope& left, const Envelope& right) {
    HOLDS(left.kind == right.kind && left.message_id == right.message_id && left.merchant_id == right.merchant_id);
    HOLDS(left.saga_id == right.saga_id && left.step == right.step && left.activity == right.activity);
    HOLDS(left.attempt == right.attempt && left.attempt_token == right.attempt_token);
    HOLDS(left.idempotency_key == right.idempotency_key && left.reply_to == right.reply_to);
    HOLDS(left.send_before == right.send_before && left.deadline == right.deadline);
    HOLDS(left.traceparent == right.traceparent && left.payload == right.payload && left.lists == right.lists);
}

void check_limits(const Envelope& envelope) {
    for (const std::string* text :
         {&envelope.message_id, &envelope.merchant_id, &envelope.saga_id, &envelope.step, &envelope.activity,
          &envelope.attempt_token, &envelope.idempotency_key, &envelope.reply_to, &envelope.traceparent})
        HOLDS(text->size() <= 255 && !has_control(*text));
    HOLDS(!envelope.message_id.empty() && !envelope.merchant_id.empty() && !envelope.activity.empty());
    HOLDS(envelope.kind == EnvelopeKind::event || !envelope.attempt_token.empty());
    HOLDS(envelope.attempt >= 1 && envelope.attempt <= 1'000'000);
}

void check_outcome(const json& payload) {
    sagas::Outcome outcome;
    try {
        outcome = sagas::outcome_from_json(payload);
    } catch (const std::invalid_argument& fault) {
        HOLDS(std::string_view(fault.what()).starts_with("outcome"));
        return;
    }
    if (outcome.retry_after)
        HOLDS(outcome.retry_after->count() >= 0 && *outcome.retry_after <= std::chrono::hours(24 * 7));
    HOLDS(outcome.payload.is_object());
    const json printed = sagas::to_json(outcome);
    HOLDS(sagas::to_json(sagas::outcome_from_json(printed)) == printed);
}

void check_one(std::string_view input) {
    const auto envelope = broker::decode(input);
    if (!envelope) {
        HOLDS(envelope.error().kind == runtime::ErrorKind::invalid);
        HOLDS(envelope.error().message.starts_with("envelope"));
        HOLDS(envelope.error().message.size() < 300 && !has_control(envelope.error().message));
        return;
    }
    check_limits(*envelope);
    const auto payload = runtime::parse_json(envelope->payload);
    HOLDS(payload && payload->is_object());
    const auto encoded = broker::encode(*envelope);
    HOLDS(encoded.ok());
    const auto again = broker::decode(*encoded);
    HOLDS(again.ok());
    check_same(*envelope, *again);
    check_outcome(*payload);
}

}  // namespace

void one_input(std::string_view input) {
    const auto lines = broker::split_envelopes(input);
    if (!lines) {
        HOLDS(lines.error().kind == runtime::ErrorKind::invalid && lines.error().message.starts_with("envelope"));
        return;
    }
    HOLDS(!lines->empty() && lines->size() <= broker::envelope_list_limit);
    HOLDS(broker::join_envelopes(*lines) == input);
    for (const std::string_view line : *lines)
        check_one(line);
}

}  // namespace ordersaga::fuzz
