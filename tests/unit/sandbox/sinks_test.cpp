// What the witness says of mail and webhooks: only what really came, and whether it came before.
#include "runtime/clock.hpp"
#include "runtime/standard_webhooks.hpp"
#include "sandbox/hook_sink.hpp"
#include "sandbox/mail_sink.hpp"
#include "sandbox/world.hpp"

#include <gtest/gtest.h>

namespace ordersaga::sandbox {
namespace {

constexpr const char* secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const runtime::Instant sent{std::chrono::seconds(1'782'000'000)};

PeerRequest a_webhook(const std::string& id) {
    PeerRequest request;
    request.method = "POST";
    request.body = R"({"type":"orders.shipped"})";
    request.headers = {
        {"webhook-id", id},
        {"webhook-timestamp", "1782000000"},
        {"webhook-signature", runtime::standard_webhook_signature(id, "1782000000", request.body, secret).value()}};
    return request;
}

TEST(HookSink, KeepsWhatIsSignedAndKnowsRepeats) {
    World world(1);
    world.put_hook("erp", {secret, 200});

    EXPECT_EQ(take_hook(world, "erp", a_webhook("1"), sent).status, 200);
    EXPECT_EQ(take_hook(world, "erp", a_webhook("1"), sent).status, 200);
    EXPECT_EQ(take_hook(world, "erp", a_webhook("2"), sent).status, 200);

    const std::vector<Effect>& effects = world.ledger().effects();
    ASSERT_EQ(effects.size(), 3U);
    EXPECT_EQ(effects[0].reference, "orders.shipped");
    EXPECT_FALSE(effects[0].replay);
    EXPECT_TRUE(effects[1].replay);
    EXPECT_FALSE(effects[2].replay);
}

TEST(HookSink, TakesNothingThatIsNotSignedWell) {
    World world(1);
    world.put_hook("erp", {secret, 200});
    PeerRequest forged = a_webhook("1");
    forged.body = R"({"type":"orders.completed"})";
    PeerRequest bare = a_webhook("1");
    bare.headers.clear();

    EXPECT_EQ(take_hook(world, "erp", forged, sent).status, 401);
    EXPECT_EQ(take_hook(world, "erp", a_webhook("1"), sent + std::chrono::minutes(6)).status, 401);
    EXPECT_EQ(take_hook(world, "erp", bare, sent).status, 400);
    EXPECT_EQ(take_hook(world, "else", a_webhook("1"), sent).status, 404);
    EXPECT_TRUE(world.ledger().effects().empty());
}

TEST(HookSink, AnswersWhatItIsToldTo) {
    World world(1);
    world.put_hook("erp", {secret, 410});

    EXPECT_EQ(take_hook(world, "erp", a_webhook("1"), sent).status, 410);
    EXPECT_TRUE(world.ledger().effects().empty());
}

TEST(MailReader, UnfoldsAndDecodes) {
    const ReceivedMail mail = read_mail(
        "Subject: =?UTF-8?B?w6Q=?=\r\n =?UTF-8?B?w7Y=?= plain\r\nX-Other: a\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n");

    EXPECT_EQ(mail.subject, "äö plain");
    EXPECT_EQ(mail.header("X-Other"), "a");
    EXPECT_EQ(mail.text, "hello");
}

}  // namespace
}  // namespace ordersaga::sandbox
