// Credentials on a real server: what is kept, who may see it, who renews it, and how workers come by it.
#include "db/credentials.hpp"

#include "db/access_tokens.hpp"
#include "runtime/crypto.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <gmock/gmock.h>

#include <future>

namespace ordersaga::db {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string first_key = "first:" + runtime::base64_encode(std::string(32, 'k'));
const std::string second_key = "second:" + runtime::base64_encode(std::string(32, 'm'));

class CredentialsTest : public AMerchant {
protected:
    template <class Work>
    auto in_transaction(Work work) {
        std::optional<decltype(work(std::declval<Transaction&>()))> result;
        Session session({database.dsns().engine, "test"});
        session.transact([&](Transaction& transaction) { result.emplace(work(transaction)); });
        return std::move(*result);
    }

    void keep(const NewCredential& credential, const runtime::KeyRing& with) {
        in_transaction([&](Transaction& transaction) {
            keep_credential(transaction, with, credential, "anna", "test");
            return true;
        });
    }
    void keep_static(const std::string& token = "shpat_1") { keep({eu_store, "static", "", "", token}, ring); }
    void keep_client() { keep({eu_store, "client_credentials", "client-1", "shpss_1", ""}, ring); }

    std::optional<std::string> token(const runtime::KeyRing& with) {
        return in_transaction([&](Transaction& transaction) { return access_token(transaction, with, eu_store); });
    }
    std::optional<Renewal> claim() {
        return in_transaction([&](Transaction& transaction) { return claim_renewal(transaction, ring); });
    }
    bool grant(const Renewal& renewal, const std::string& text, std::optional<seconds> lifetime) {
        return in_transaction([&](Transaction& transaction) {
            return keep_grant(transaction, ring, renewal, {text, "", {"read_orders"}, lifetime});
        });
    }
    void fail(const Renewal& renewal) {
        in_transaction([&](Transaction& transaction) {
            note_failure(transaction, renewal, "the store answered 503");
            return true;
        });
    }
    void forget_pauses() { run_as_engine("UPDATE credentials SET retry_at = NULL, claimed_until = NULL"); }

    const CredentialKey eu_store{merchant, "store:eu"}, us_store{merchant, "store:us"};
    const runtime::KeyRing ring = runtime::KeyRing::parse(first_key).value();
};

// --- keeping ---------------------------------------------------------------------------------------------------------

TEST_F(CredentialsTest, KeepsATokenSealed) {
    keep_static("shpat_canary");

    EXPECT_EQ(token(ring), "shpat_canary");
    EXPECT_EQ(look("SELECT count(*)::text FROM credential_secrets WHERE position('canary'::bytea IN sealed) > 0"), "0");
    EXPECT_THAT(look("SELECT string_agg(audit::text, '') FROM audit"), HasSubstr("credential set"));
    EXPECT_THAT(look("SELECT string_agg(audit::text, '') FROM audit"), Not(HasSubstr("canary")));
}

TEST_F(CredentialsTest, ARowThatWasMovedToAnotherStoreDoesNotOpen) {
    keep_static();
    keep({us_store, "static", "", "", "shpat_us"}, ring);

    run_as_engine(
        "UPDATE credential_secrets eu SET sealed = us.sealed FROM credential_secrets us"
        " WHERE eu.subject = 'store:eu' AND us.subject = 'store:us'");

    EXPECT_THROW(token(ring), runtime::ErrorException);
}

TEST_F(CredentialsTest, ReplacesKeysWhileTokensAreInUse) {
    keep_static();
    const runtime::KeyRing both = runtime::KeyRing::parse(second_key + "\n" + first_key).value();

    EXPECT_EQ(in_transaction([&](Transaction& transaction) { return seal_anew(transaction, both); }), 1);
    EXPECT_EQ(in_transaction([&](Transaction& transaction) { return seal_anew(transaction, both); }), 0);

    EXPECT_EQ(token(runtime::KeyRing::parse(second_key).value()), "shpat_1");
    EXPECT_THROW(token(ring), runtime::ErrorException);
}

TEST_F(CredentialsTest, WhatRenewsATokenIsNoToken) {
    keep_client();
    EXPECT_FALSE(token(ring).has_value());
    grant(*claim(), "token-1", seconds(3600));

    keep({eu_store, "client_credentials", "client-2", "shpss_2", ""}, ring);

    EXPECT_EQ(token(ring), "token-1") << "until there is a new one";
}

TEST_F(CredentialsTest, NobodyRenewsWithoutSomethingToRenewWith) {
    keep({eu_store, "authorization_code", "client-1", "shpss_1", ""}, ring);
    run_as_engine("UPDATE credentials SET renew_at = now()");

    EXPECT_FALSE(claim().has_value());
}

TEST_F(CredentialsTest, AnAuthorizationIsFinishedByItsOwnStateInTime) {
    keep({eu_store, "authorization_code", "client-1", "shpss_1", ""}, ring);
    const auto finished = [&](const std::string& state) {
        return in_transaction(
            [&](Transaction& transaction) { return finish_authorization(transaction, ring, state).has_value(); });
    };
    EXPECT_TRUE(
        in_transaction([&](Transaction& transaction) { return begin_authorization(transaction, eu_store, "hash"); }));
    EXPECT_FALSE(finished("another"));

    run_as_engine("UPDATE credentials SET state_expires_at = now() - interval '1 second'");
    EXPECT_FALSE(finished("hash"));

    run_as_engine("UPDATE credentials SET state_expires_at = now() + interval '1 minute'");
    EXPECT_TRUE(finished("hash"));
    EXPECT_FALSE(finished("hash")) << "it is used up";
}

TEST_F(CredentialsTest, ForgettingLeavesNoSecretBehind) {
    keep_client();

    EXPECT_TRUE(in_transaction(
        [&](Transaction& transaction) { return forget_credential(transaction, eu_store, "anna", "test"); }));

    EXPECT_EQ(look("SELECT count(*)::text FROM credential_secrets"), "0");
    EXPECT_FALSE(in_transaction(
        [&](Transaction& transaction) { return forget_credential(transaction, eu_store, "anna", "test"); }));
}

TEST_F(CredentialsTest, ListsHoldersAndWhatTheyHave) {
    keep_client();

    const auto holders = in_transaction([](Transaction& transaction) { return credential_holders(transaction); });
    std::vector<std::string> told;
    for (const CredentialHolder& holder : holders)
        told.push_back(holder.merchant_name + " " + holder.key.subject + (holder.has_credential ? " has" : ""));
    EXPECT_THAT(
        told, ElementsAre(
                  "Other store:eu", "Other warehouse:main", "Shirts store:eu has", "Shirts store:us",
                  "Shirts warehouse:main"));
    const auto rows = in_transaction([](Transaction& transaction) { return credentials(transaction); });
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].client_id, "client-1");
    EXPECT_EQ(rows[0].base_url, "http://127.0.0.1:1");
    EXPECT_THAT(rows[0].key_ids, ElementsAre("first"));
}

// --- renewing --------------------------------------------------------------------------------------------------------

TEST_F(CredentialsTest, OneRenewerHasIt) {
    keep_client();

    const std::optional<Renewal> mine = claim();

    ASSERT_TRUE(mine.has_value());
    EXPECT_EQ(mine->client_secret, "shpss_1");
    EXPECT_TRUE(mine->expired);
    EXPECT_FALSE(claim().has_value());
    EXPECT_TRUE(grant(*mine, "token-1", seconds(86'399)));
    EXPECT_EQ(token(ring), "token-1");
    EXPECT_FALSE(claim().has_value()) << "half of its life is left";
}

// The one who was thought dead comes back late: what the other has stored stays.
TEST_F(CredentialsTest, AGrantWithoutItsClaimIsDropped) {
    keep_client();
    const std::optional<Renewal> late = claim();
    forget_pauses();
    const std::optional<Renewal> other = claim();
    ASSERT_TRUE(late && other);
    EXPECT_TRUE(grant(*other, "token-of-other", seconds(60)));

    EXPECT_FALSE(grant(*late, "token-of-late", seconds(60)));
    fail(*late);

    EXPECT_EQ(token(ring), "token-of-other");
    EXPECT_EQ(look("SELECT failures::text FROM credentials"), "0");
}

TEST_F(CredentialsTest, TheOldTokenStaysInUseUntilTheNewOneIsStored) {
    keep_client();
    grant(*claim(), "token-1", seconds(3600));
    run_as_engine("UPDATE credentials SET renew_at = now()");

    const std::optional<Renewal> renewal = claim();
    EXPECT_EQ(token(ring), "token-1");
    fail(*renewal);
    EXPECT_EQ(token(ring), "token-1");
    EXPECT_FALSE(claim().has_value()) << "a pause follows a failure";
    forget_pauses();
    EXPECT_TRUE(grant(*claim(), "token-2", seconds(3600)));

    EXPECT_EQ(token(ring), "token-2");
}

TEST_F(CredentialsTest, AnExpiredTokenIsNone) {
    keep_client();
    grant(*claim(), "token-1", seconds(3600));
    run_as_engine("UPDATE credentials SET expires_at = now() - interval '1 second'");
    EXPECT_FALSE(token(ring).has_value());
}

TEST_F(CredentialsTest, OpensAnIncidentWhenRenewingKeepsFailingAndClosesIt) {
    keep_client();
    grant(*claim(), "token-1", seconds(3600));
    run_as_engine("UPDATE credentials SET renew_at = now()");
    for (const char* incidents : {"0", "0", "1", "1"}) {
        fail(*claim());
        forget_pauses();
        EXPECT_EQ(look("SELECT count(*)::text FROM incidents WHERE closed_at IS NULL"), incidents);
    }
    EXPECT_EQ(look("SELECT text FROM incidents"), "store:eu: the store answered 503");

    grant(*claim(), "token-2", seconds(3600));

    EXPECT_EQ(look("SELECT count(*)::text FROM incidents WHERE closed_at IS NULL"), "0");
    const std::string end = look("SELECT closed_at FROM incidents");
    run_as_engine("UPDATE credentials SET renew_at = now()");
    grant(*claim(), "token-3", seconds(3600));
    EXPECT_EQ(look("SELECT closed_at FROM incidents"), end) << "it has one end";
}

TEST_F(CredentialsTest, TellsAtOnceWhenNoTokenIsInForce) {
    keep_client();
    fail(*claim());
    EXPECT_EQ(look("SELECT text FROM incidents"), "store:eu: there is no valid token; the store answered 503");
}

// A secret under a key that was lost is a failure of its own, not of the others.
TEST_F(CredentialsTest, ALostKeyStopsOneCredentialOnly) {
    keep({us_store, "client_credentials", "client-2", "shpss_2", ""}, runtime::KeyRing::parse(second_key).value());
    const std::optional<Renewal> unreadable = claim();
    ASSERT_TRUE(unreadable.has_value());
    EXPECT_THAT(unreadable->unopened, HasSubstr("store:us"));
    EXPECT_EQ(unreadable->client_secret, "");
    fail(*unreadable);

    keep_client();

    EXPECT_EQ(claim()->key.subject, "store:eu");
}

TEST_F(CredentialsTest, ANewCredentialEndsTheRenewalOfTheOldOne) {
    keep_client();
    const std::optional<Renewal> renewal = claim();
    keep_static("shpat_new");

    EXPECT_FALSE(grant(*renewal, "token-of-the-old-client", seconds(60)));

    EXPECT_EQ(token(ring), "shpat_new");
    EXPECT_EQ(look("SELECT string_agg(kind, ' ') FROM credential_secrets"), "access_token");
}

// Once a token is there, and then not again for as long as is asked.
TEST_F(CredentialsTest, ScopesAreCheckedNowAndThen) {
    keep_client();
    const auto to_check = [&] {
        return in_transaction([](Transaction& transaction) { return scopes_to_check(transaction, seconds(3600)); })
            .size();
    };
    EXPECT_EQ(to_check(), 0U);

    grant(*claim(), "token-1", seconds(3600));
    EXPECT_EQ(to_check(), 1U);

    in_transaction([&](Transaction& transaction) {
        note_scopes(transaction, eu_store, {"read_orders"}, {});
        return true;
    });
    EXPECT_EQ(to_check(), 0U);
}

// --- the workers' window ---------------------------------------------------------------------------------------------

class WorkersWindow : public CredentialsTest {
protected:
    std::string as_worker(const std::string& query) {
        std::string seen;
        Connection connection({database.dsns().worker, "test"});
        try {
            connection.transact([&](Transaction& transaction) {
                const Rows rows = transaction.query(query);
                seen = rows.empty() ? "" : rows.text(0, 0);
            });
        } catch (const Misuse& error) {
            seen = error.sqlstate();
        }
        return seen;
    }

    AccessTokens tokens{{database.dsns().worker, ring, std::chrono::hours(1)}};

    void read_again(std::optional<AccessTokens::Refusal> refusal = std::nullopt) {
        std::promise<void> done;
        tokens.read_again(std::move(refusal), [&] { done.set_value(); });
        ASSERT_EQ(done.get_future().wait_for(seconds(20)), std::future_status::ready);
    }
};

TEST_F(WorkersWindow, ShowsAccessTokensAndNothingThatRenewsThem) {
    keep_client();
    grant(*claim(), "token-1", seconds(60));

    EXPECT_EQ(as_worker("SELECT string_agg(kind, ' ') FROM credential_secrets"), "access_token");
    EXPECT_EQ(as_worker("SELECT subject FROM credentials"), "store:eu");
    EXPECT_EQ(as_worker("SELECT client_id FROM credentials"), "42501");
    EXPECT_EQ(as_worker("UPDATE credentials SET version = 9 RETURNING subject"), "42501");
    EXPECT_EQ(as_worker("UPDATE credential_secrets SET key_id = 'x' RETURNING subject"), "42501");
    EXPECT_EQ(as_worker("DELETE FROM credentials RETURNING subject"), "42501");
}

TEST_F(WorkersWindow, FindsTokensOfTheMerchantWhoOwnsThem) {
    keep_static("shpat_1");
    read_again();

    EXPECT_EQ(tokens.find("1", "store:eu")->text, "shpat_1");
    EXPECT_FALSE(tokens.find("2", "store:eu").has_value());
    EXPECT_FALSE(tokens.find("1", "store:us").has_value());
}

TEST_F(WorkersWindow, ForgetsATokenAtItsEnd) {
    keep_client();
    grant(*claim(), "token-1", seconds(60));
    read_again();
    ASSERT_TRUE(tokens.find("1", "store:eu").has_value());

    run_as_engine("UPDATE credentials SET expires_at = now()");
    read_again();

    EXPECT_FALSE(tokens.find("1", "store:eu").has_value());
}

// A 401 asks for a renewal before its time, once for the version that was refused.
TEST_F(WorkersWindow, ARefusedTokenIsDueForRenewal) {
    keep_client();
    grant(*claim(), "token-1", seconds(3600));
    run_as_engine("UPDATE credentials SET obtained_at = now() - interval '1 minute'");
    read_again();
    ASSERT_FALSE(claim().has_value());

    read_again(AccessTokens::Refusal{"1", "store:eu", tokens.find("1", "store:eu")->version});

    const std::optional<Renewal> renewal = claim();
    ASSERT_TRUE(renewal.has_value());
    grant(*renewal, "token-2", seconds(3600));
    run_as_engine("UPDATE credentials SET obtained_at = now() - interval '1 minute'");
    read_again(AccessTokens::Refusal{"1", "store:eu", 1});
    EXPECT_FALSE(claim().has_value()) << "the refused version is not the one in use any more";
    EXPECT_EQ(tokens.find("1", "store:eu")->text, "token-2");
}

// While the database is away the last tokens stay; a caller is told, not left waiting.
TEST_F(WorkersWindow, KeepsItsTokensThroughALostConnection) {
    keep_static("shpat_1");
    read_again();
    database.cut_connections();

    read_again();

    EXPECT_EQ(tokens.find("1", "store:eu")->text, "shpat_1");
}

TEST_F(WorkersWindow, SkipsWhatItCannotOpen) {
    keep_static("shpat_1");
    keep({us_store, "static", "", "", "shpat_us"}, runtime::KeyRing::parse(second_key).value());
    read_again();
    EXPECT_TRUE(tokens.find("1", "store:eu").has_value());
    EXPECT_FALSE(tokens.find("1", "store:us").has_value());
}

}  // namespace
}  // namespace ordersaga::db
