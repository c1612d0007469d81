// Which token a call carries, and what a 401 does.
#include "activities/credentials.hpp"

#include "activities/peer.hpp"
#include "tests/unit/activities/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::activities {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace tests;  // answer, lost_answer, ScriptedPeer

// Tokens by version; a newer one appears when the old one was refused.
class ChangingCredentials final : public Credentials {
public:
    boost::asio::awaitable<Token> current(std::string merchant, std::string subject) override {
        asked_for.push_back(merchant + " " + subject);
        co_return now;
    }
    boost::asio::awaitable<Token> after_refusal(std::string, std::string, Token refused) override {
        refusals.push_back(refused.text);
        co_return next;
    }

    Token now{"old", 1}, next{"new", 2};
    std::vector<std::string> asked_for, refusals;
};

class CallsWithTokens : public testing::Test {
protected:
    PeerAnswer send(bool is_write = true) {
        PeerCall call;
        call.method = "POST";
        call.url = "http://127.0.0.1:1/x";
        call.is_write = is_write;
        const Access access{credentials, "store:eu"};
        return run(exchange(peer, call, TokenHeader{"Authorization", "Bearer "}, access, scope));
    }
    std::vector<std::string> tokens_sent() const {
        std::vector<std::string> sent;
        for (const runtime::HttpCall& call : peer.calls)
            sent.push_back(*runtime::find_header(call.headers, "Authorization"));
        return sent;
    }
    static CallScope::Limits limits() {
        CallScope::Limits limits;
        limits.merchant = "7";
        return limits;
    }

    ScriptedPeer peer;
    FixedDatabaseClock clock;
    CallScope scope{clock, limits()};
    std::shared_ptr<ChangingCredentials> credentials = std::make_shared<ChangingCredentials>();
};

TEST_F(CallsWithTokens, SendsTheTokenOfTheMerchantAndSubject) {
    peer.will(answer(200, std::string("{}")));

    EXPECT_TRUE(send().is_success());

    EXPECT_THAT(tokens_sent(), ElementsAre("Bearer old"));
    EXPECT_THAT(credentials->asked_for, ElementsAre("7 store:eu"));
    EXPECT_THAT(credentials->refusals, IsEmpty());
}

TEST_F(CallsWithTokens, RepeatsOnceWithANewerTokenAfterA401) {
    peer.will(answer(401, std::string("{}")));
    peer.will(answer(200, std::string("{}")));

    EXPECT_TRUE(send().is_success());

    EXPECT_THAT(tokens_sent(), ElementsAre("Bearer old", "Bearer new"));
    EXPECT_THAT(credentials->refusals, ElementsAre("old"));
}

// A newer token that is refused as well is not followed by a third try.
TEST_F(CallsWithTokens, DoesNotRepeatTwice) {
    peer.will(answer(401, std::string("{}")));
    peer.will(answer(401, std::string("{}")));
    peer.will(answer(200, std::string("{}")));

    EXPECT_EQ(send().status, 401);

    EXPECT_EQ(peer.calls.size(), 2U);
}

TEST_F(CallsWithTokens, DoesNotRepeatWithTheSameToken) {
    credentials->next = {};
    peer.will(answer(401, std::string("{}")));
    peer.will(answer(200, std::string("{}")));

    EXPECT_EQ(send().status, 401);

    EXPECT_EQ(peer.calls.size(), 1U);
}

// Only a 401 says that nothing was done.
TEST_F(CallsWithTokens, DoesNotRepeatAnythingElse) {
    for (const int status : {403, 429, 500}) {
        peer.will(answer(status, std::string("{}")));
        EXPECT_EQ(send().status, status);
    }
    peer.will(lost_answer());
    EXPECT_EQ(send().kind, PeerAnswer::Kind::unknown);
    EXPECT_EQ(peer.calls.size(), 4U);
    EXPECT_THAT(credentials->refusals, IsEmpty());
}

TEST_F(CallsWithTokens, SendsNothingWithoutAToken) {
    credentials->now = {};

    const PeerAnswer locked_out = send();

    EXPECT_EQ(locked_out.kind, PeerAnswer::Kind::no_token);
    EXPECT_EQ(locked_out.error, "there is no valid token for store:eu");
    EXPECT_THAT(peer.calls, IsEmpty());
}

TEST_F(CallsWithTokens, FixedCredentialsHaveNoNewerToken) {
    const std::shared_ptr<Credentials> fixed = fixed_credentials("only");
    EXPECT_EQ(run(fixed->current("7", "store:eu")).text, "only");
    EXPECT_EQ(run(fixed->after_refusal("7", "store:eu", {"only", 0})).text, "");
}

}  // namespace
}  // namespace ordersaga::activities
