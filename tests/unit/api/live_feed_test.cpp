// What live views are told: orders as they move, counts asked once for all, and an end.
#include "orchestrator/api/live_feed.hpp"

#include "orchestrator/api/live_stream.hpp"
#include "tests/unit/api/listener_fixture.hpp"

#include <gmock/gmock.h>

#include <deque>

namespace ordersaga::api {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr MerchantId shirts{1}, other{2};

engine::SagaChange a_change(
    const std::string& saga,
    const std::string& state,
    std::int64_t version,
    MerchantId merchant = shirts) {
    return {{merchant, saga}, "order", "eu #" + saga, state, version, runtime::Instant{1'780'000'000s}};
}

LiveFeed::News news_of(LiveFeed::Viewer& viewer, std::chrono::steady_clock::duration limit = 0s) {
    boost::asio::io_context context;
    LiveFeed::News news;
    boost::asio::co_spawn(
        boost::asio::make_strand(context), viewer.next(limit),
        [&](const std::exception_ptr& fault, LiveFeed::News heard) {
            ASSERT_FALSE(fault);
            news = std::move(heard);
        });
    context.run();
    return news;
}

std::vector<std::string> told(const LiveFeed::News& news) {
    std::vector<std::string> lines;
    for (const engine::SagaChange& change : news.orders)
        lines.push_back(change.key.saga_id + " " + change.state + " " + std::to_string(change.version));
    return lines;
}

TEST(LiveFeed, TellsEachOrderOnceAsItIsNow) {
    const auto feed = std::make_shared<LiveFeed>();
    const auto viewer = feed->join(shirts);
    feed->changed({a_change("a", "Received", 1), a_change("b", "Received", 1)});
    feed->changed({a_change("a", "Reserved", 2)});

    EXPECT_THAT(told(news_of(*viewer)), ElementsAre("a Reserved 2", "b Received 1"));
    EXPECT_THAT(told(news_of(*viewer)), ElementsAre());
}

TEST(LiveFeed, TellsNobodyOfAnotherMerchantsOrders) {
    const auto feed = std::make_shared<LiveFeed>();
    const auto viewer = feed->join(shirts);
    const auto stranger = feed->join(other);
    feed->changed({a_change("a", "Received", 1)});

    EXPECT_THAT(told(news_of(*stranger)), ElementsAre());
    EXPECT_THAT(told(news_of(*viewer)), ElementsAre("a Received 1"));
}

TEST(LiveFeed, SaysSoWhenMoreMovedThanItKeeps) {
    LiveFeedOptions options;
    options.most_orders_waiting = 2;
    const auto feed = std::make_shared<LiveFeed>(options);
    const auto viewer = feed->join(shirts);
    feed->changed({a_change("a", "Received", 1), a_change("b", "Received", 1)});
    EXPECT_FALSE(news_of(*viewer).missed);
    feed->changed({a_change("a", "Received", 2), a_change("b", "Received", 2), a_change("c", "Received", 1)});
    feed->changed({a_change("a", "Reserved", 3)});

    const LiveFeed::News news = news_of(*viewer);
    EXPECT_TRUE(news.missed);
    EXPECT_THAT(told(news), ElementsAre("a Reserved 3", "b Received 2"));
    EXPECT_FALSE(news_of(*viewer).missed);
}

TEST(LiveFeed, WakesAViewerThatWaits) {
    const auto feed = std::make_shared<LiveFeed>();
    const auto viewer = feed->join(shirts);
    boost::asio::io_context context;
    LiveFeed::News news;
    boost::asio::co_spawn(
        boost::asio::make_strand(context), viewer->next(1h),
        [&](const std::exception_ptr&, LiveFeed::News heard) { news = std::move(heard); });
    context.poll();
    feed->changed({a_change("a", "Received", 1)});
    context.run();
    EXPECT_THAT(told(news), ElementsAre("a Received 1"));
}

TEST(LiveFeed, EndsEveryViewerAndTakesNoNewOne) {
    const auto feed = std::make_shared<LiveFeed>();
    const auto viewer = feed->join(shirts);
    feed->stop();
    EXPECT_TRUE(news_of(*viewer, 1h).ended);
    EXPECT_EQ(feed->join(shirts), nullptr);
}

TEST(LiveFeed, BoundsHowManyWatch) {
    LiveFeedOptions options;
    options.most_viewers = 1;
    const auto feed = std::make_shared<LiveFeed>(options);
    auto first = feed->join(shirts);
    EXPECT_EQ(feed->join(other), nullptr);
    first.reset();
    EXPECT_NE(feed->join(other), nullptr);
}

TEST(LiveFeed, LetsOneCountForAll) {
    LiveFeed feed;
    LiveFeed::Time now{1h};
    EXPECT_TRUE(feed.begin_counting(shirts, now));
    EXPECT_FALSE(feed.begin_counting(shirts, now)) << "somebody counts already";
    EXPECT_TRUE(feed.begin_counting(other, now));
    feed.counted(shirts, "{}", now, now);
    EXPECT_EQ(feed.counts(shirts).number, 1U);
    EXPECT_EQ(feed.counts(shirts).text, "{}");

    now += 2s;
    EXPECT_FALSE(feed.begin_counting(shirts, now)) << "nothing moved";
    feed.changed({a_change("a", "Received", 1)});
    EXPECT_TRUE(feed.begin_counting(shirts, now));
    feed.counted(shirts, "{}", now, now);
    EXPECT_EQ(feed.counts(shirts).number, 1U) << "the same again is no news";
}

TEST(LiveFeed, CountsAtMostOnceASecondAndATenthOfTheTime) {
    LiveFeed feed;
    const LiveFeed::Time start{1h};
    feed.begin_counting(shirts, start);
    feed.counted(shirts, "1", start, start + 10ms);
    feed.changed({a_change("a", "Received", 1)});
    EXPECT_FALSE(feed.begin_counting(shirts, start + 900ms));
    EXPECT_TRUE(feed.begin_counting(shirts, start + 1'100ms));
    feed.counted(shirts, "2", start + 1'100ms, start + 3'100ms);
    feed.changed({a_change("a", "Received", 2)});
    EXPECT_FALSE(feed.begin_counting(shirts, start + 20s));
    EXPECT_TRUE(feed.begin_counting(shirts, start + 24s));
}

TEST(LiveFeed, CountsAgainWhenTheCountsAreOldOrTheDatabaseWasAway) {
    LiveFeed feed;
    const LiveFeed::Time start{1h};
    feed.begin_counting(shirts, start);
    feed.not_counted(shirts, start);
    EXPECT_FALSE(feed.begin_counting(shirts, start + 500ms));
    EXPECT_TRUE(feed.begin_counting(shirts, start + 1s));
    feed.counted(shirts, "1", start + 1s, start + 1s);
    EXPECT_FALSE(feed.begin_counting(shirts, start + 5s));
    EXPECT_TRUE(feed.begin_counting(shirts, start + 6s));
}

TEST(LiveStream, TellsAnOrderByItsStoreAndName) {
    EXPECT_EQ(
        order_event(a_change("1007", "Reserved", 2)),
        "event: order\ndata: "
        "{\"at\":\"2026-05-28T20:26:40Z\",\"order\":\"#1007\",\"saga_id\":\"1007\",\"state\":\"Reserved\","
        "\"store\":\"eu\",\"version\":2}\n\n");
}

TEST(LiveStream, LetsNoNameOfAnOrderForgeAnEvent) {
    engine::SagaChange change = a_change("1", "Reserved", 2);
    change.subject = "eu x\n\nevent: counts\ndata: {}\n\n";
    EXPECT_THAT(order_event(change), Not(HasSubstr("\nevent: counts")));
}

// A stream that keeps what is written and, instead of pausing, does what the test wants next.
class ScriptedStream final : public runtime::HttpStream {
public:
    boost::asio::awaitable<bool> write(std::string bytes) override {
        written.push_back(std::move(bytes));
        co_return open;
    }
    boost::asio::awaitable<bool> wait(std::chrono::milliseconds) override {
        if (pauses.empty()) co_return false;
        const std::function<void()> step = pauses.front();
        pauses.pop_front();
        step();
        co_return true;
    }

    std::vector<std::string> written;
    std::deque<std::function<void()>> pauses;
    bool open = true;
};

class LiveStreamTest : public ListenerTest {
protected:
    LiveStreamTest() {
        options_.live = feed_;
        handler_ = make_private_handler(queries_, engine_, clock_, metrics_, options_);
    }

    void watch(const std::string& token) {
        HttpResponse response = ask(a_request("GET", "/api/v1/live", token));
        ASSERT_EQ(response.status, 200);
        EXPECT_EQ(response.content_type, "text/event-stream");
        EXPECT_EQ(*runtime::find_header(response.headers, "cache-control"), "no-store");
        ASSERT_TRUE(response.stream);
        boost::asio::io_context context;
        boost::asio::co_spawn(
            boost::asio::make_strand(context), response.stream(stream_),
            [](const std::exception_ptr& fault) { EXPECT_FALSE(fault); });
        context.run();
    }

    const std::shared_ptr<LiveFeed> feed_ = std::make_shared<LiveFeed>();
    PrivateListenerOptions options_;
    ScriptedStream stream_;
};

TEST_F(LiveStreamTest, BeginsWithTheCountsAndThenTellsWhatMoves) {
    // After the last scripted pause the peer is gone.
    stream_.pauses = {[&] {
        feed_->changed({a_change("a", "Received", 1), a_change("b", "Received", 1, other)});
    }};
    watch("reader");
    ASSERT_EQ(stream_.written.size(), 3U);
    EXPECT_EQ(stream_.written[0], "retry: 2000\n\n");
    EXPECT_EQ(stream_.written[1], "event: counts\ndata: {\"sagas\":{}}\n\n");
    EXPECT_THAT(stream_.written[2], HasSubstr("\"saga_id\":\"a\""));
    EXPECT_THAT(stream_.written[2], Not(HasSubstr("\"saga_id\":\"b\"")));
}

TEST_F(LiveStreamTest, EndsWithTheFeed) {
    stream_.pauses = {
        [&] { feed_->stop(); },
        [] {
            FAIL() << "it went on";
        }};
    watch("reader");
    EXPECT_EQ(ask(a_request("GET", "/api/v1/live", "reader")).status, 503);
}

TEST_F(LiveStreamTest, EndsWhenThePeerIsGone) {
    stream_.open = false;
    stream_.pauses = {[] {
        FAIL() << "it went on";
    }};
    watch("reader");
    EXPECT_EQ(stream_.written.size(), 1U);
}

}  // namespace
}  // namespace ordersaga::api
