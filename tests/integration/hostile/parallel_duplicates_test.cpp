// The same order told many times at once, as shops do: one saga, one reservation, one request.
#include "orchestrator/webhook/shopify_signature.hpp"
#include "tests/integration/hostile/hostile_world.hpp"

#include <map>
#include <thread>

namespace ordersaga::test {
namespace {

class ParallelDuplicates : public HostileWorld {
protected:
    // Sends in parallel; answers how often each result was given.
    std::map<std::string, int> send_all(
        const std::vector<std::pair<std::string, std::string>>& topics_and_ids,
        const std::string& body,
        const std::string& event_id = {}) {
        std::vector<runtime::HttpOutcome> answers(topics_and_ids.size());
        std::vector<std::thread> senders;
        for (std::size_t i = 0; i < topics_and_ids.size(); ++i) {
            senders.emplace_back([&, i] {
                const auto& [topic, webhook_id] = topics_and_ids[i];
                runtime::HttpHeaders headers{
                    {"X-Shopify-Topic", topic},
                    {"X-Shopify-Shop-Domain", shop},
                    {"X-Shopify-Webhook-Id", webhook_id},
                    {"X-Shopify-Hmac-Sha256", webhook::shopify_signature(body, secret)}};
                if (!event_id.empty()) headers.emplace_back("X-Shopify-Event-Id", event_id);
                answers[i] = orchestrator_->call_public("POST", "/webhooks/shopify", std::move(headers), body);
            });
        }
        for (std::thread& sender : senders)
            sender.join();
        std::map<std::string, int> results;
        for (const runtime::HttpOutcome& answer : answers) {
            EXPECT_EQ(answer.status, 200) << answer.body << answer.error;
            if (answer.status == 200) ++results[json::parse(answer.body).at("result").get<std::string>()];
        }
        return results;
    }
    void expect_one_of_everything() {
        ASSERT_TRUE(work_until_state("FulfillmentRequested"));
        EXPECT_EQ(count("sagas"), 1);
        EXPECT_EQ(count("orders"), 1);
        EXPECT_EQ(look("SELECT sum(committed) FROM stock"), "1");
        EXPECT_EQ(look("SELECT count(*) FROM listing_moves WHERE kind = 'sale'"), "1");
        EXPECT_EQ(orchestrator_->sink().sent("RequestFulfillment").size(), 1U);
    }
};

// S37: the same delivery at the same moment made two orders (ShopifySharp #919).
TEST_F(ParallelDuplicates, OfOneDeliveryAreAppliedOnce) {
    const std::vector<std::pair<std::string, std::string>> same(16, {"orders/create", "w1"});

    const std::map<std::string, int> results = send_all(same, an_order(1).dump());

    EXPECT_EQ(results, (std::map<std::string, int>{{"applied", 1}, {"duplicate", 15}}));
    EXPECT_EQ(count("webhook_receipts"), 1);
    expect_one_of_everything();
}

// A shop that gives each attempt an id of its own still tells which event it is about.
// S37: the same under delivery ids of their own (Kyon147 #130).
TEST_F(ParallelDuplicates, OfOneEventUnderManyDeliveryIdsAreAppliedOnce) {
    std::vector<std::pair<std::string, std::string>> many;
    for (int i = 0; i < 16; ++i)
        many.emplace_back("orders/create", "w" + std::to_string(i));

    const std::map<std::string, int> results = send_all(many, an_order(1).dump(), "one-event");

    EXPECT_EQ(results, (std::map<std::string, int>{{"applied", 1}, {"duplicate", 15}}));
    expect_one_of_everything();
}

// Long after everything is over.
TEST_F(ParallelDuplicates, ReplayedOnceTheOrderWasUndoneBringNothingBack) {
    const std::string body = an_order(1).dump();
    ASSERT_EQ(send("orders/create", "w1", body).status, 200);
    json cancelled = an_order(1);
    cancelled["cancelled_at"] = cancelled["updated_at"] = "2026-11-01T11:00:00Z";
    ASSERT_EQ(send("orders/cancelled", "w2", cancelled.dump()).status, 200);
    ASSERT_TRUE(work_until_state("Compensated"));

    send_all({{"orders/create", "w1"}, {"orders/create", "w3"}, {"orders/updated", "w4"}, {"orders/paid", "w5"}}, body);

    EXPECT_EQ(state_of_saga(), "Compensated");
    EXPECT_EQ(look("SELECT sum(reserved + committed) FROM stock"), "0");
}

TEST_F(ParallelDuplicates, UnderManyIdsAndTopicsMakeOneSaga) {
    std::vector<std::pair<std::string, std::string>> many;
    for (int i = 0; i < 18; ++i) {
        const char* topics[] = {"orders/create", "orders/updated", "orders/paid"};
        many.emplace_back(topics[i % 3], "w" + std::to_string(i));
    }

    const std::map<std::string, int> results = send_all(many, an_order(1).dump());

    EXPECT_EQ(results, (std::map<std::string, int>{{"applied", 18}}));
    expect_one_of_everything();
}

}  // namespace
}  // namespace ordersaga::test
