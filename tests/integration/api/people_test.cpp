// Operators, sessions, tokens and kept answers in the database: what ends, what locks, what is found again.
#include "db/people.hpp"

#include "runtime/password.hpp"
#include "tests/integration/api/two_merchants.hpp"

#include <gtest/gtest.h>

namespace ordersaga::test {
namespace {

using api::KeyClaim;

class PeopleTest : public testing::Test {
protected:
    PeopleTest() {
        EXPECT_TRUE(db::create_operator(world_.session, {"First", "anna", "operator", password_}, "test", "test"));
    }

    void change(const std::string& statement) {
        world_.session.transact([&](db::Transaction& transaction) { transaction.execute(statement); });
    }
    std::string look(const std::string& query) {
        std::string value;
        world_.session.transact([&](db::Transaction& transaction) {
            const db::Rows rows = transaction.query(query);
            value = rows.empty() || rows.is_null(0, 0) ? "" : rows.text(0, 0);
        });
        return value;
    }
    std::string open_session(const std::string& name = "anna") {
        const std::string hash = runtime::sha256_hex("session " + std::to_string(++sessions_));
        EXPECT_TRUE(queries_->open_session(queries_->begin_sign_in(name), name, hash));
        return hash;
    }

    const std::string password_ = runtime::hash_password("open sesame", {4, 1, 1});
    int sessions_ = 0;
    TwoMerchants world_;
    std::unique_ptr<api::Queries> queries_ =
        db::make_api_queries(world_.database.dsns().api, world_.database.dsns().engine, test_keys());
};

TEST_F(PeopleTest, FiveFailuresLockANameForAQuarterOfAnHourWhetherSomebodyHasItOrNot) {
    for (const std::string name : {"anna", "nobody"}) {
        for (int attempt = 1; attempt <= 5; ++attempt)
            EXPECT_FALSE(queries_->begin_sign_in(name).locked_for) << name << attempt;
        for (int attempt = 6; attempt <= 9; ++attempt) {
            const api::SignInAttempt refused = queries_->begin_sign_in(name);
            ASSERT_TRUE(refused.locked_for) << name << attempt;
            EXPECT_GT(refused.locked_for->count(), 14 * 60);
            EXPECT_LE(refused.locked_for->count(), 15 * 60);
        }
    }
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action = 'sign-in locked'"), "1");
    EXPECT_EQ(look("SELECT count(*) FROM sign_in_attempts WHERE name_hash IN ('anna', 'nobody')"), "0")
        << "hashes only";
    change("UPDATE sign_in_attempts SET last_at = last_at - interval '16 minutes'");
    EXPECT_FALSE(queries_->begin_sign_in("anna").locked_for);
}

TEST_F(PeopleTest, ANewPasswordUnlocksTheName) {
    for (int attempt = 1; attempt <= 6; ++attempt)
        queries_->begin_sign_in("anna");
    ASSERT_TRUE(queries_->begin_sign_in("anna").locked_for);
    EXPECT_TRUE(db::set_operator_password(world_.session, "anna", password_, "test", "asked at the door"));
    EXPECT_FALSE(queries_->begin_sign_in("anna").locked_for);
}

TEST_F(PeopleTest, SuccessForgetsTheFailures) {
    for (int round = 0; round < 3; ++round) {
        for (int attempt = 1; attempt <= 4; ++attempt)
            EXPECT_FALSE(queries_->begin_sign_in("anna").locked_for);
        open_session();
    }
    EXPECT_EQ(look("SELECT count(*) FROM sign_in_attempts"), "0");
}

TEST_F(PeopleTest, ASessionLeadsToItsOperatorUntilItEnds) {
    const std::string hash = open_session();
    const std::optional<api::Principal> anna = queries_->find_session(hash);
    ASSERT_TRUE(anna);
    EXPECT_EQ(anna->name, "anna");
    EXPECT_EQ(anna->role, api::Role::operator_);
    ASSERT_EQ(anna->merchants.size(), 1U);
    EXPECT_EQ(anna->merchants[0].id.value, world_.first);
    EXPECT_FALSE(queries_->find_session(runtime::sha256_hex("another")));

    change("UPDATE operator_sessions SET used_at = now() - interval '31 minutes'");
    EXPECT_FALSE(queries_->find_session(hash)) << "idle";
    change("UPDATE operator_sessions SET used_at = now() - interval '29 minutes'");
    EXPECT_TRUE(queries_->find_session(hash));
    EXPECT_EQ(look("SELECT used_at > now() - interval '1 minute' FROM operator_sessions"), "t") << "use prolongs it";
    change("UPDATE operator_sessions SET created_at = now() - interval '13 hours'");
    EXPECT_FALSE(queries_->find_session(hash)) << "however busy";
}

TEST_F(PeopleTest, SessionsEndWithSignOutANewPasswordAndWithTheOperator) {
    const std::string first = open_session(), second = open_session();
    queries_->end_session(first);
    EXPECT_FALSE(queries_->find_session(first));
    EXPECT_TRUE(queries_->find_session(second));

    const api::SignInAttempt with_the_old_one = queries_->begin_sign_in("anna");
    EXPECT_TRUE(db::set_operator_password(
        world_.session, "anna", runtime::hash_password("another one", {4, 1, 1}), "test", "test"));
    EXPECT_FALSE(queries_->find_session(second));
    EXPECT_FALSE(queries_->open_session(with_the_old_one, "anna", runtime::sha256_hex("late")));

    const std::string third = open_session();
    EXPECT_TRUE(db::disable_operator(world_.session, "anna", "test", "left"));
    EXPECT_FALSE(queries_->find_session(third));
    EXPECT_EQ(queries_->begin_sign_in("anna").operator_id, 0);
    EXPECT_FALSE(db::disable_operator(world_.session, "anna", "test", "left"));
    EXPECT_EQ(
        look(
            "SELECT string_agg(action, ' ' ORDER BY audit_id) FROM audit WHERE action LIKE '%operator%' OR action LIKE "
            "'sign%'"),
        "operator create sign in sign in sign out operator password sign in operator disable");
}

TEST_F(PeopleTest, AScopeOfAllHoldsForMerchantsToCome) {
    ASSERT_TRUE(db::create_operator(world_.session, {"all", "boss", "admin", password_}, "test", "test"));
    ASSERT_TRUE(
        db::create_token(world_.session, {"all", "robot", "read", runtime::sha256_hex("t"), {}}, "test", "test"));
    const std::string hash = open_session("boss");
    db::apply_setup(world_.session, plan_of("Third", "third.myshopify.com"), "test", "test", false);
    for (const auto& who : {queries_->find_session(hash), queries_->find_token(runtime::sha256_hex("t"))}) {
        ASSERT_TRUE(who);
        ASSERT_EQ(who->merchants.size(), 3U);
        EXPECT_EQ(who->merchants[2].name, "Third");
    }
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action = 'token create'"), "2") << "each merchant sees it";
    EXPECT_FALSE(db::create_operator(world_.session, {"Nobody", "x", "read", password_}, "test", "test"));
}

TEST_F(PeopleTest, RevokesOneTokenByIdOrName) {
    for (const std::string token : {"a", "b", "c"}) {
        ASSERT_TRUE(db::create_token(
            world_.session, {"First", token == "c" ? "other" : "twin", "read", runtime::sha256_hex(token), {}}, "test",
            "test"));
    }
    EXPECT_EQ(db::revoke_token(world_.session, "twin", "test", "test"), 2U);
    EXPECT_TRUE(queries_->find_token(runtime::sha256_hex("a")));
    EXPECT_EQ(db::revoke_token(world_.session, runtime::sha256_hex("a").substr(0, 7), "test", "test"), 0U);
    EXPECT_EQ(db::revoke_token(world_.session, runtime::sha256_hex("a").substr(0, 12), "test", "test"), 1U);
    EXPECT_FALSE(queries_->find_token(runtime::sha256_hex("a")));
    EXPECT_EQ(db::revoke_token(world_.session, "twin", "test", "test"), 1U);
    EXPECT_FALSE(queries_->find_token(runtime::sha256_hex("b")));
    EXPECT_TRUE(queries_->find_token(runtime::sha256_hex("c")));
    EXPECT_EQ(db::revoke_token(world_.session, "other%", "test", "test"), 0U);
    std::string states;
    for (const db::TokenRow& token : db::list_tokens(world_.session))
        states += token.name + (token.live ? " live " : " ended ");
    EXPECT_EQ(states, "twin ended twin ended other live ");
}

TEST_F(PeopleTest, AKeyIsClaimedOnceAndAnsweredForADay) {
    const api::KeptUnder under{{world_.first}, "token.1", "k"};
    EXPECT_EQ(queries_->claim_key(under, "f").kind, KeyClaim::Kind::granted);
    EXPECT_EQ(queries_->claim_key(under, "f").kind, KeyClaim::Kind::under_way);
    EXPECT_EQ(queries_->claim_key(under, "g").kind, KeyClaim::Kind::another_command);
    EXPECT_EQ(queries_->claim_key({{world_.second}, "token.1", "k"}, "g").kind, KeyClaim::Kind::granted);
    EXPECT_EQ(queries_->claim_key({{world_.first}, "token.2", "k"}, "g").kind, KeyClaim::Kind::granted);

    queries_->keep_answer(under, {200, "\"7\"", "{}"});
    const KeyClaim answered = queries_->claim_key(under, "f");
    EXPECT_EQ(answered.kind, KeyClaim::Kind::answered);
    EXPECT_EQ(answered.answer.status, 200);
    EXPECT_EQ(answered.answer.etag, "\"7\"");
    EXPECT_EQ(answered.answer.body, "{}");
    EXPECT_EQ(queries_->claim_key(under, "g").kind, KeyClaim::Kind::another_command);
    queries_->give_key_back(under);
    EXPECT_EQ(queries_->claim_key(under, "f").kind, KeyClaim::Kind::answered) << "what was decided stays";

    change("UPDATE api_idempotency SET claimed_at = now() - interval '25 hours'");
    EXPECT_EQ(queries_->claim_key(under, "g").kind, KeyClaim::Kind::granted);
    EXPECT_EQ(look("SELECT count(*) FROM api_idempotency"), "1");
}

TEST_F(PeopleTest, AClaimWithoutAnAnswerLapsesForTheSameCommandOnly) {
    const api::KeptUnder under{{world_.first}, "token.1", "k"};
    queries_->claim_key(under, "f");
    change("UPDATE api_idempotency SET claimed_at = now() - interval '31 seconds'");
    EXPECT_EQ(queries_->claim_key(under, "g").kind, KeyClaim::Kind::another_command);
    EXPECT_EQ(queries_->claim_key(under, "f").kind, KeyClaim::Kind::granted);
    EXPECT_EQ(queries_->claim_key(under, "f").kind, KeyClaim::Kind::under_way);
    queries_->give_key_back(under);
    EXPECT_EQ(queries_->claim_key(under, "g").kind, KeyClaim::Kind::granted);
}

}  // namespace
}  // namespace ordersaga::test
