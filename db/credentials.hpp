// The credentials of stores and warehouses: who may renew which when, and their secrets, sealed and opened here and nowhere
// else in db/. A subject is "store:<key>" or "warehouse:<key>".
//
// All functions work in the caller's transaction, with a login that sees all merchants (the engine's). Except where
// said otherwise, a secret that the ring cannot open throws runtime::ErrorException, naming the subject.
#pragma once

#include "db/connection.hpp"
#include "runtime/sealing.hpp"
#include "sagas/ids.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::db {

struct CredentialKey {
    sagas::MerchantId merchant;
    std::string subject;
};

// What a secret is sealed for: it opens nowhere else.
std::string place_of_secret(const std::string& merchant, const std::string& subject, const std::string& kind);

// How a token is got: `static` for ever, `client_credentials` asked for again and again, `authorization_code` granted once
// by a person and then renewed with a rotating refresh token.
struct CredentialRow {
    CredentialKey key;
    std::string merchant_name;
    std::string way;
    std::string client_id;
    std::string base_url, api_version;  // of the store or warehouse
    std::vector<std::string> scopes;
    std::optional<Instant> scopes_checked_at;
    std::int64_t version = 0;
    std::optional<Instant> obtained_at, expires_at, renew_at;
    int failures = 0;
    std::string last_error;
    std::vector<std::string> key_ids;  // that its secrets are sealed with
};
std::vector<CredentialRow> credentials(Transaction& transaction);

// A store or a warehouse: who may have a credential. `token_ref` is what its setup names ("env:EU_TOKEN").
struct CredentialHolder {
    CredentialKey key;
    std::string merchant_name;
    std::string token_ref;
    bool has_credential = false;
};
std::vector<CredentialHolder> credential_holders(Transaction& transaction);

// Replaces whatever the subject had. For the ways that renew, the renewer gets the first token (client credentials) or waits
// for a person's grant (authorization code); meanwhile an access token of before stays in use.
struct NewCredential {
    CredentialKey key;
    std::string way;
    std::string client_id;
    std::string client_secret;
    std::string access_token;  // static only
};
void keep_credential(
    Transaction& transaction,
    const runtime::KeyRing& ring,
    const NewCredential& credential,
    const std::string& actor,
    const std::string& reason);
// False: there was none.
bool forget_credential(
    Transaction& transaction,
    const CredentialKey& key,
    const std::string& actor,
    const std::string& reason);

// Seals anew every secret that is not sealed with the ring's first key, and every store's key of personal data. How many.
std::int64_t seal_anew(Transaction& transaction, const runtime::KeyRing& ring);

// The token in force; nullopt when there is none, or when it has expired.
std::optional<std::string> access_token(
    Transaction& transaction,
    const runtime::KeyRing& ring,
    const CredentialKey& key);

// ------------------------------------------------------------------------------------------------------------ renewing

// What a peer has granted.
struct Grant {
    std::string access_token;
    std::string refresh_token;  // empty: none
    std::vector<std::string> scopes;
    std::optional<std::chrono::seconds> lifetime;  // nullopt: for ever
};

// A renewal that is ours until `claim` ends or the outcome is written: nobody else begins the same one meanwhile.
struct Renewal {
    CredentialKey key;
    std::string way, client_id, client_secret, refresh_token, base_url;
    std::int64_t version = 0;
    int failures = 0;
    bool expired = false;  // there is no token in force: it is past its end, or there was none yet
    std::string claim;
    std::string unopened;  // not empty: why the secrets cannot be opened, and are missing here
};

// The next credential that is due: half of its token's life is over, it has none yet, or a worker met a 401 with it.
// Nullopt: none is due, or another renewer has it.
std::optional<Renewal> claim_renewal(Transaction& transaction, const runtime::KeyRing& ring);
// New tokens are in force with this commit, not before. False: the claim was lost, nothing is kept.
bool keep_grant(Transaction& transaction, const runtime::KeyRing& ring, const Renewal& renewal, const Grant& grant);
// The old token stays in use. From the third failure on, and when the token in use has expired, an incident is open.
void note_failure(Transaction& transaction, const Renewal& renewal, const std::string& reason);

// ------------------------------------------------------------------------------------------------------- authorization

// Begins an authorization: its state is known by this hash for ten minutes. False: the credential is of another way.
bool begin_authorization(Transaction& transaction, const CredentialKey& key, const std::string& state_hash);
// Who began with this state, which is then used up; nullopt when nobody did, or it is too late. `shop_domain` is the store's.
struct Authorization {
    Renewal renewal;
    std::string shop_domain;
};
std::optional<Authorization> finish_authorization(
    Transaction& transaction,
    const runtime::KeyRing& ring,
    const std::string& state_hash);

// -------------------------------------------------------------------------------------------------------------- scopes

// Stores whose scopes were not looked at for so long.
std::vector<CredentialRow> scopes_to_check(Transaction& transaction, std::chrono::seconds older_than);
// What the peer says is granted; `missing` opens an incident, or closes it when empty.
void note_scopes(
    Transaction& transaction,
    const CredentialKey& key,
    const std::vector<std::string>& granted,
    const std::vector<std::string>& missing);

}  // namespace ordersaga::db
