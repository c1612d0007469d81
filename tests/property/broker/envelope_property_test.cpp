// An envelope is read as it was written; damaged bytes are read or refused, never worse.
#include "broker/envelope.hpp"
#include "broker/envelope_list.hpp"
#include "tests/property/generator.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::broker {
namespace {

using property::Generator;

// Texts of an envelope hold no control characters; encode refuses them.
std::string a_text(Generator& any) {
    std::string text = any.text(30);
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return "x" + text;
}

Envelope an_envelope(Generator& any) {
    Envelope envelope;
    envelope.kind = any.one_of<EnvelopeKind>({EnvelopeKind::command, EnvelopeKind::outcome, EnvelopeKind::event});
    envelope.message_id = a_text(any);
    envelope.merchant_id = a_text(any);
    envelope.activity = a_text(any);
    envelope.attempt_token = a_text(any);
    if (any.coin()) envelope.saga_id = a_text(any);
    if (any.coin()) envelope.step = a_text(any);
    if (any.coin()) envelope.idempotency_key = a_text(any);
    if (any.coin()) envelope.reply_to = "outcome." + std::to_string(any.number(0, 999'999));
    if (any.coin()) envelope.traceparent = a_text(any);
    envelope.attempt = static_cast<int>(any.number(1, 1'000'000));
    if (any.coin()) envelope.send_before = any.instant();
    if (any.coin()) envelope.deadline = any.instant();
    envelope.lists = any.coin();
    envelope.payload = nlohmann::json{{"text", "p" + any.text()}, {"list", {1, any.number(-9, 9)}}}.dump();
    return envelope;
}

auto members(const Envelope& one) {
    return std::make_tuple(
        one.kind, one.message_id, one.merchant_id, one.saga_id, one.step, one.activity, one.attempt, one.attempt_token,
        one.idempotency_key, one.reply_to, one.send_before, one.deadline, one.traceparent, one.lists,
        nlohmann::json::parse(one.payload));
}

TEST(EnvelopeProperty, IsReadAsItWasWritten) {
    property::under_seeds(5000, [](Generator& any) {
        const Envelope envelope = an_envelope(any);
        const runtime::Result<std::string> body = encode(envelope);
        ASSERT_TRUE(body.ok()) << body.error().message;
        const runtime::Result<Envelope> read = decode(*body);
        ASSERT_TRUE(read.ok()) << read.error().message << "\n" << *body;
        EXPECT_EQ(members(*read), members(envelope)) << *body;
        EXPECT_EQ(encode(*read).value(), *body) << "written again it is the same to the byte";
    });
}

TEST(EnvelopeProperty, SeveralInOneMessageAreReadAsTheyWereWritten) {
    property::under_seeds(1000, [](Generator& any) {
        std::vector<std::string> bodies;
        for (std::int64_t left = any.number(1, static_cast<std::int64_t>(envelope_list_limit)); left > 0; --left)
            bodies.push_back(encode(an_envelope(any)).value());
        const std::string message = join_envelopes({bodies.begin(), bodies.end()});
        const auto lines = split_envelopes(message);
        ASSERT_TRUE(lines.ok());
        ASSERT_EQ(lines->size(), bodies.size()) << message;
        for (std::size_t i = 0; i < bodies.size(); ++i)
            EXPECT_EQ((*lines)[i], bodies[i]);
    });
}

// Damage to one line is damage to this line, or the message falls into fewer lines of which the untouched ones are whole.
TEST(EnvelopeProperty, ADamagedLineSpoilsNoOther) {
    property::under_seeds(1000, [](Generator& any) {
        const std::string before = encode(an_envelope(any)).value();
        std::string damaged = encode(an_envelope(any)).value();
        const std::string after = encode(an_envelope(any)).value();
        const auto place = static_cast<std::size_t>(any.number(1, static_cast<std::int64_t>(damaged.size()) - 2));
        damaged[place] = static_cast<char>(any.number(0, 255));
        const std::string message = join_envelopes({before, damaged, after});
        const auto lines = split_envelopes(message);
        ASSERT_TRUE(lines.ok());
        EXPECT_EQ(lines->front(), before);
        EXPECT_EQ(lines->back(), after);
    });
}

TEST(EnvelopeProperty, DamagedIsReadOrRefused) {
    property::under_seeds(5000, [](Generator& any) {
        std::string body = encode(an_envelope(any)).value();
        for (std::int64_t left = any.number(1, 4); left > 0; --left) {
            const auto place = static_cast<std::size_t>(any.number(0, static_cast<std::int64_t>(body.size()) - 1));
            switch (any.number(0, 3)) {
                case 0: body[place] = static_cast<char>(any.number(0, 255)); break;
                case 1: body.erase(place, static_cast<std::size_t>(any.number(1, 20))); break;
                case 2: body.insert(place, any.one_of<std::string>({"{", "]", "\"", ",", "null", "\\u0000"})); break;
                case 3: body.resize(place); break;
            }
            if (body.empty()) body = " ";
        }
        const runtime::Result<Envelope> read = decode(body);
        if (!read.ok()) {
            EXPECT_FALSE(read.error().message.empty());
            return;
        }
        // What was accepted can be sent on.
        const runtime::Result<std::string> again = encode(*read);
        ASSERT_TRUE(again.ok()) << again.error().message << "\n" << body;
        EXPECT_EQ(members(decode(*again).value()), members(*read));
    });
}

}  // namespace
}  // namespace ordersaga::broker
