// Who may speak: unsigned, wrongly signed and unknown senders learn nothing and leave nothing behind.
#include "orchestrator/webhook/shopify_signature.hpp"
#include "tests/integration/hostile/hostile_world.hpp"

#include <thread>

namespace ordersaga::test {
namespace {

class HostileSenders : public HostileWorld {
protected:
    static runtime::HttpHeaders headers(const std::string& domain, const std::string& signature) {
        runtime::HttpHeaders all{
            {"X-Shopify-Topic", "orders/create"}, {"X-Shopify-Shop-Domain", domain}, {"X-Shopify-Webhook-Id", "w1"}};
        if (!signature.empty()) all.emplace_back("X-Shopify-Hmac-Sha256", signature);
        return all;
    }
    runtime::HttpOutcome post(const runtime::HttpHeaders& all, const std::string& body) {
        return orchestrator_->call_public("POST", "/webhooks/shopify", all, body);
    }
};

TEST_F(HostileSenders, AreRefusedAlikeWhetherUnsignedWronglySignedOrUnknown) {
    const std::string body = an_order(1).dump();
    const std::string good = webhook::shopify_signature(body, secret);

    const runtime::HttpOutcome unsigned_ = post(headers(shop, ""), body);
    const runtime::HttpOutcome wrong = post(headers(shop, webhook::shopify_signature(body, "guessed")), body);
    const runtime::HttpOutcome unknown = post(headers("nobody.myshopify.com", good), body);
    const runtime::HttpOutcome foreign = post(headers(other_shop, good), body);
    const runtime::HttpOutcome altered = post(headers(shop, good), body + " ");

    for (const runtime::HttpOutcome* answer : {&unsigned_, &wrong, &unknown, &foreign, &altered}) {
        EXPECT_EQ(answer->status, 401) << answer->error;
        EXPECT_EQ(answer->body, unsigned_.body) << "a shop must not be probed by how it is refused";
    }
    EXPECT_EQ(count("webhook_receipts"), 0);
    EXPECT_EQ(count("orders"), 0);
    EXPECT_NE(orchestrator_->metrics().exposition().find("outcome=\"unsigned\""), std::string::npos);
    expect_that_it_lives();
}

TEST_F(HostileSenders, WithTwoSignaturesOrTwoShopsAreRefused) {
    const std::string body = an_order(1).dump();
    runtime::HttpHeaders two_signatures = headers(shop, webhook::shopify_signature(body, secret));
    two_signatures.emplace_back("X-Shopify-Hmac-Sha256", webhook::shopify_signature(body, "guessed"));
    runtime::HttpHeaders two_shops = headers(shop, webhook::shopify_signature(body, secret));
    two_shops.emplace_back("X-Shopify-Shop-Domain", other_shop);

    EXPECT_EQ(post(two_signatures, body).status, 401);
    EXPECT_EQ(post(two_shops, body).status, 400);
    EXPECT_EQ(count("webhook_receipts"), 0);
}

TEST_F(HostileSenders, CannotMoveAnotherShopByNamingItInTheBody) {
    const json body = {{"id", 1}, {"myshopify_domain", other_shop}};

    const runtime::HttpOutcome answer = send("app/uninstalled", "w1", body.dump());

    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(
        look("SELECT status || ': ' || reason FROM webhook_receipts"),
        "parked: the body names another shop than the header");
    EXPECT_EQ(look("SELECT count(*) FROM stores WHERE status = 'active'"), "2");
}

class ASecretThatIsReplaced : public HostileSenders {
protected:
    InProcessOptions options() override {
        InProcessOptions options = HostileSenders::options();
        options.stores[0].secrets = {next_secret_, secret};
        return options;
    }
    const std::string next_secret_ = "the next secret of eu-shirts";
};

// A store signs by the old one for up to an hour after it was given the new one.
TEST_F(ASecretThatIsReplaced, CostsNoDeliverySignedByEither) {
    std::vector<runtime::HttpOutcome> answers(20);
    std::vector<std::thread> senders;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        senders.emplace_back([&, i] {
            const std::int64_t order = static_cast<std::int64_t>(i) + 1;
            answers[i] = orchestrator_->send_webhook(
                shop, i % 2 == 0 ? secret : next_secret_, "orders/create", "w" + std::to_string(i),
                an_order(order).dump());
        });
    }
    for (std::thread& sender : senders)
        sender.join();
    for (const runtime::HttpOutcome& answer : answers)
        EXPECT_EQ(answer.status, 200) << answer.body << answer.error;
    EXPECT_EQ(count("orders"), 20);

    const std::string body = an_order(99).dump();
    for (const std::string& wrong : {std::string("a third secret"), std::string(other_secret)})
        EXPECT_EQ(orchestrator_->send_webhook(shop, wrong, "orders/create", "w99", body).status, 401) << wrong;
    EXPECT_EQ(orchestrator_->send_webhook(other_shop, next_secret_, "orders/create", "w99", body).status, 401)
        << "the secret of one shop opens no other";
}

// The same order id in two shops is two orders of two merchants.
TEST_F(HostileSenders, OfTwoMerchantsNeverMeet) {
    const std::string body = an_order(1).dump();
    ASSERT_EQ(send("orders/create", "w1", body).status, 200);
    ASSERT_EQ(orchestrator_->send_webhook(other_shop, other_secret, "orders/create", "w1", body).status, 200);

    EXPECT_EQ(look("SELECT count(DISTINCT merchant_id) FROM sagas"), "2");
    EXPECT_EQ(count("sagas"), 2);
    const json listed = json::parse(ask("GET", "/api/v1/sagas").body);
    EXPECT_EQ(listed.at("items").size(), 1U) << "a merchant's token shows that merchant's sagas only";
}

}  // namespace
}  // namespace ordersaga::test
