#include "orchestrator/fair_queue.hpp"

#include <gmock/gmock.h>

namespace {

using ordersaga::FairQueue;
using testing::ElementsAre;
using testing::IsEmpty;

using Queue = FairQueue<std::string>;

Queue flooded() {
    Queue queue;
    for (const char* item : {"a1", "a2", "a3", "a4"})
        queue.push("a", item);
    queue.push("b", "b1");
    queue.push("c", "c1");
    queue.push("c", "c2");
    return queue;
}

TEST(FairQueue, TakesOneOfEachLineInTurn) {
    Queue queue = flooded();
    EXPECT_THAT(queue.take(4), ElementsAre("a1", "b1", "c1", "a2"));
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_THAT(queue.take(9), ElementsAre("c2", "a3", "a4")) << "it goes on where it was";
    EXPECT_TRUE(queue.empty());
    EXPECT_THAT(queue.take(9), IsEmpty());
}

TEST(FairQueue, WhatIsInNoLineGoesFirst) {
    Queue queue = flooded();
    queue.push("", "outcome");
    EXPECT_THAT(queue.take(2), ElementsAre("outcome", "a1"));
    queue.push("", "another");
    queue.put_back({"outcome", "a1"});
    EXPECT_THAT(queue.take(4), ElementsAre("outcome", "a1", "another", "b1"));
    EXPECT_EQ(queue.size(), 5U);
}

TEST(FairQueue, KnowsHowManyComeBefore) {
    Queue queue = flooded();
    EXPECT_EQ(queue.ahead_of("a"), 7U) << "all: no other line is longer";
    EXPECT_EQ(queue.ahead_of("b"), 1 + 2 + 2U);
    EXPECT_EQ(queue.ahead_of("new"), 3U) << "one of each line";
    queue.push("", "outcome");
    EXPECT_EQ(queue.ahead_of("new"), 4U);
}

TEST(FairQueue, LeavesRoomForOtherLines) {
    Queue queue;
    const auto fill = [&](const std::string& line, std::size_t limit) {
        int pushed = 0;
        for (; queue.may_grow(line, limit); ++pushed)
            queue.push(line, line);
        return pushed;
    };
    EXPECT_EQ(fill("a", 12), 6);
    EXPECT_EQ(fill("b", 12), 3);
    EXPECT_EQ(fill("a", 12), 0) << "it has more than its share by now";
    EXPECT_EQ(fill("c", 12), 2);
    EXPECT_EQ(fill("", 12), 1) << "whoever stands in no line may have the rest";
    EXPECT_FALSE(queue.may_grow("new", 12));
    queue.take(4);
    EXPECT_TRUE(queue.may_grow("new", 12));
}

TEST(FairQueue, GivesOutWhatIsWanted) {
    Queue queue = flooded();
    queue.push("", "first2");
    const auto second = [](const std::string& item) {
        return item.back() == '2';
    };
    EXPECT_THAT(queue.take_if(second), ElementsAre("first2", "a2", "c2"));
    EXPECT_EQ(queue.size(), 5U);
    EXPECT_THAT(queue.take(9), ElementsAre("a1", "b1", "c1", "a3", "a4"));
}

}  // namespace
