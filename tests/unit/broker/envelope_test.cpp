#include "broker/envelope.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ordersaga::broker {
namespace {

Envelope a_command() {
    Envelope envelope;
    envelope.kind = EnvelopeKind::command;
    envelope.message_id = "m-1";
    envelope.merchant_id = "merchant";
    envelope.saga_id = "9007199254740993";
    envelope.step = "FulfillmentRequested";
    envelope.activity = "warehouse.request_fulfillment";
    envelope.attempt = 3;
    envelope.attempt_token = "token";
    envelope.idempotency_key = "key";
    envelope.reply_to = "outcome.7";
    envelope.send_before = *runtime::parse_rfc3339("2026-07-01T10:20:30.123456Z");
    envelope.deadline = *runtime::parse_rfc3339("2026-07-01T10:21:00Z");
    envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    envelope.payload = R"({"lines":[{"sku":"A \"1\" {[","quantity":9007199254740993}]})";
    return envelope;
}

void expect_equal(const Envelope& a, const Envelope& b) {
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.message_id, b.message_id);
    EXPECT_EQ(a.merchant_id, b.merchant_id);
    EXPECT_EQ(a.saga_id, b.saga_id);
    EXPECT_EQ(a.step, b.step);
    EXPECT_EQ(a.activity, b.activity);
    EXPECT_EQ(a.attempt, b.attempt);
    EXPECT_EQ(a.attempt_token, b.attempt_token);
    EXPECT_EQ(a.idempotency_key, b.idempotency_key);
    EXPECT_EQ(a.reply_to, b.reply_to);
    EXPECT_EQ(a.send_before, b.send_before);
    EXPECT_EQ(a.deadline, b.deadline);
    EXPECT_EQ(a.traceparent, b.traceparent);
}

TEST(Envelope, ComesBackAsItWentIn) {
    const Envelope sent = a_command();

    const auto body = encode(sent);
    ASSERT_TRUE(body.ok()) << body.error().message;
    const auto received = decode(*body);

    ASSERT_TRUE(received.ok()) << received.error().message;
    expect_equal(*received, sent);
    EXPECT_EQ(received->payload, R"({"lines":[{"quantity":9007199254740993,"sku":"A \"1\" {["}]})");
}

TEST(Envelope, AnEventNeedsNoSagaAndNoToken) {
    Envelope event;
    event.kind = EnvelopeKind::event;
    event.message_id = "e-1";
    event.merchant_id = "merchant";
    event.activity = "inventory.low";

    const auto body = encode(event);

    ASSERT_TRUE(body.ok()) << body.error().message;
    ASSERT_TRUE(decode(*body).ok());
    EXPECT_EQ(decode(*body)->activity, "inventory.low");
}

TEST(Envelope, IgnoresFieldsItDoesNotKnow) {
    const auto received = decode(
        R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","later":{"x":[1]},"payload":{}})");

    EXPECT_TRUE(received.ok()) << received.error().message;
}

TEST(Envelope, NamesTheFieldThatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"kind":"event","message_id":"e","merchant_id":"m","activity":"a","payload":{}})", "schema"},
        {R"({"schema":2,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","payload":{}})", "schema"},
        {R"({"schema":"1","kind":"event","message_id":"e","merchant_id":"m","activity":"a","payload":{}})", "schema"},
        {R"({"schema":1,"kind":"rumour","message_id":"e","merchant_id":"m","activity":"a","payload":{}})", "kind"},
        {R"({"schema":1,"kind":"event","merchant_id":"m","activity":"a","payload":{}})", "message_id"},
        {R"({"schema":1,"kind":"event","message_id":7,"merchant_id":"m","activity":"a","payload":{}})", "message_id"},
        {R"({"schema":1,"kind":"event","message_id":"e","activity":"a","payload":{}})", "merchant_id"},
        {R"({"schema":1,"kind":"command","message_id":"e","merchant_id":"m","activity":"a","payload":{}})",
         "attempt_token"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","attempt":0,"payload":{}})",
         "attempt"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","attempt":4294967297,"payload":{}})",
         "attempt"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","attempt":1.5,"payload":{}})",
         "attempt"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","deadline":"soon","payload":{}})",
         "deadline"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","reply_to":"amq.direct","payload":{}})",
         "reply_to"},
        {R"({"schema":1,"kind":"event","message_id":"e\n","merchant_id":"m","activity":"a","payload":{}})",
         "message_id"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a","payload":[]})", "payload"},
        {R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m","activity":"a"})", "payload"},
    };
    for (const auto& [body, field] : cases) {
        const auto received = decode(body);

        ASSERT_FALSE(received.ok()) << body;
        EXPECT_NE(received.error().message.find(field), std::string::npos)
            << body << " gave: " << received.error().message;
    }
}

TEST(Envelope, RefusesHostileBodies) {
    EXPECT_FALSE(decode("").ok());
    EXPECT_FALSE(decode("null").ok());
    EXPECT_FALSE(decode("[1]").ok());
    EXPECT_FALSE(decode("{").ok());
    EXPECT_FALSE(decode(std::string(envelope_size_limit + 1, ' ')).ok());
    EXPECT_FALSE(decode(std::string(100'000, '[')).ok());
    EXPECT_FALSE(decode("{\"schema\":1,\"schema\":1}").ok());
    EXPECT_FALSE(
        decode(R"({"schema":1,"kind":"event","message_id":"e","merchant_id":"m\u0000x","activity":"a","payload":{}})")
            .ok());
}

TEST(Envelope, RefusesToSendWhatTheReaderWouldRefuse) {
    const auto refused = [](auto change, const char* field) {
        Envelope envelope = a_command();
        change(envelope);
        const auto body = encode(envelope);
        ASSERT_FALSE(body.ok()) << field;
        EXPECT_NE(body.error().message.find(field), std::string::npos) << body.error().message;
    };
    refused([](Envelope& e) { e.message_id.clear(); }, "message_id");
    refused([](Envelope& e) { e.attempt_token.clear(); }, "attempt_token");
    refused([](Envelope& e) { e.attempt = 0; }, "attempt");
    refused([](Envelope& e) { e.step = std::string("a\0b", 3); }, "step");
    refused([](Envelope& e) { e.saga_id = std::string(256, 'x'); }, "saga_id");
    refused([](Envelope& e) { e.reply_to = "outcome.x"; }, "reply_to");
    refused([](Envelope& e) { e.activity = "\xff"; }, "UTF-8");
    refused([](Envelope& e) { e.payload = "[]"; }, "payload");
    refused([](Envelope& e) { e.payload = "{\"a\":1} x"; }, "payload");
    refused([](Envelope& e) { e.payload = "{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}"; }, "payload");
    refused([](Envelope& e) { e.payload = "{\"a\":\"" + std::string(envelope_size_limit, 'x') + "\"}"; }, "body");
}

}  // namespace
}  // namespace ordersaga::broker
