#include "sandbox/world.hpp"

#include "runtime/crypto.hpp"
#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::sandbox {
namespace {

std::string header(const HeaderList& headers, const std::string& name) {
    for (const auto& [key, value] : headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

TEST(World, SignsTheExactBytesOfAWebhook) {
    SmallWorld small;
    small.shop->store.deliver_everything_to("http://127.0.0.1:9/hooks", noon);
    small.order("SHIRT", 1);

    small.world.advance(noon);

    bool seen = false;
    for (const auto& due : small.world.webhooks().take_due(noon, 100)) {
        const std::string expected = runtime::base64_encode(runtime::hmac_sha256("hush", due.body));
        EXPECT_EQ(header(due.headers, "X-Shopify-Hmac-Sha256"), expected);
        EXPECT_EQ(header(due.headers, "X-Shopify-Hmac-Sha256").size(), 44U);
        EXPECT_EQ(header(due.headers, "X-Shopify-Shop-Domain"), "blue.myshopify.com");
        EXPECT_EQ(header(due.headers, "X-Shopify-Topic"), due.topic);
        seen = seen || due.topic == "orders/create";
    }
    EXPECT_TRUE(seen);
}

TEST(World, SignsWarehouseWebhooksByTheStandard) {
    const runtime::Instant at{std::chrono::seconds{1614265330}};

    const HeaderList headers = shipbob_delivery_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "order.shipped", "{\"test\": 2432232314}",
        "msg_p5jXN8AQM9LWM0D4loKWxJek", at);

    EXPECT_EQ(header(headers, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(World, DoesTheSameAgainFromTheSameSeed) {
    const auto run = [] {
        SmallWorld small;
        small.shop->store.deliver_everything_to("http://127.0.0.1:9/hooks", noon);
        DeliveryFaults faults;
        faults.duplicated = faults.reordered = faults.dropped = 0.3;
        small.world.delivery_faults("shopify") = faults;
        for (int number = 0; number < 5; ++number) {
            small.order("MUG", 1);
        }
        small.world.advance(noon);
        std::string all;
        for (const auto& due : small.world.webhooks().take_due(at_ms(10'000), 1000)) {
            all += due.topic + header(due.headers, "X-Shopify-Webhook-Id") + due.body;
        }
        return all;
    };

    const std::string first = run();
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(first, run());
}

}  // namespace
}  // namespace ordersaga::sandbox
