// The same order told many times at once, as shops do: one saga, one reservation, one request.
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
        const std::string& body) {
        std::vector<runtime::HttpOutcome> answers(topics_and_ids.size());
        std::vector<std::thread> senders;
        for (std::size_t i = 0; i < topics_and_ids.size(); ++i) {
            senders.emplace_back(
                [&, i] { answers[i] = send(topics_and_ids[i].first, topics_and_ids[i].second, body); });
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

TEST_F(ParallelDuplicates, OfOneDeliveryAreAppliedOnce) {
    const std::vector<std::pair<std::string, std::string>> same(16, {"orders/create", "w1"});

    const std::map<std::string, int> results = send_all(same, an_order(1).dump());

    EXPECT_EQ(results, (std::map<std::string, int>{{"applied", 1}, {"duplicate", 15}}));
    EXPECT_EQ(count("webhook_receipts"), 1);
    expect_one_of_everything();
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
