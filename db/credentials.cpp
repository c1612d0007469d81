#include "db/credentials.hpp"

#include "db/row_reader.hpp"
#include "db/store_keys.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::db {

namespace {

using runtime::KeyRing;

constexpr const char* kList = R"sql(
    SELECT c.merchant_id, c.subject, merchant.name, c.way, c.client_id,
           coalesce(store.base_url, warehouse.base_url),
           coalesce(store.api_version, warehouse.api_version), to_json(c.scopes)::text, c.scopes_checked_at, c.version,
           c.obtained_at, c.expires_at, c.renew_at, c.failures, c.last_error,
           (SELECT coalesce(json_agg(DISTINCT key_id), '[]')::text FROM credential_secrets secret
             WHERE secret.merchant_id = c.merchant_id AND secret.subject = c.subject)
      FROM credentials c
      JOIN merchants merchant USING (merchant_id)
      LEFT JOIN stores store ON store.merchant_id = c.merchant_id AND store.key = c.store_key
      LEFT JOIN warehouses warehouse ON warehouse.merchant_id = c.merchant_id AND warehouse.key = c.warehouse_key
     WHERE $1::bigint IS NULL
        OR (c.store_key IS NOT NULL AND c.version > 0 AND store.status = 'active'
            AND coalesce(c.scopes_checked_at < now() - $1::bigint * interval '1 second', true))
     ORDER BY merchant.name, c.subject)sql";

constexpr const char* kHolders = R"sql(
    SELECT holder.merchant_id, holder.subject, merchant.name, holder.token_ref,
           EXISTS (SELECT FROM credentials c WHERE c.merchant_id = holder.merchant_id AND c.subject = holder.subject)
      FROM (SELECT merchant_id, 'store:' || key AS subject, token_ref FROM stores
            UNION ALL SELECT merchant_id, 'warehouse:' || key, token_ref FROM warehouses) holder
      JOIN merchants merchant USING (merchant_id)
     ORDER BY merchant.name, holder.subject)sql";

// What was claimed, granted or refused before belongs to the old credential. Its access token stays until there is a new one.
constexpr const char* kKeep = R"sql(
    INSERT INTO credentials AS old (merchant_id, store_key, warehouse_key, way, client_id, version, obtained_at, renew_at)
    VALUES ($1::bigint, CASE WHEN $2 LIKE 'store:%' THEN substr($2, 7) END,
            CASE WHEN $2 LIKE 'warehouse:%' THEN substr($2, 11) END, $3, $4,
            CASE WHEN $3 = 'static' THEN 1 ELSE 0 END, CASE WHEN $3 = 'static' THEN now() END,
            CASE WHEN $3 = 'client_credentials' THEN now() END)
        ON CONFLICT (merchant_id, subject) DO UPDATE
       SET way = excluded.way, client_id = excluded.client_id,
           version = old.version + excluded.version,
           obtained_at = coalesce(excluded.obtained_at, old.obtained_at),
           expires_at = CASE WHEN excluded.way = 'static' THEN NULL ELSE old.expires_at END,
           renew_at = excluded.renew_at, retry_at = NULL, refused_version = NULL, failures = 0, last_error = '',
           claim = '', claimed_until = NULL, state_hash = NULL, state_expires_at = NULL, scopes_checked_at = NULL)sql";

constexpr const char* kKeepSecret = R"sql(
    INSERT INTO credential_secrets (merchant_id, subject, kind, key_id, sealed)
    VALUES ($1::bigint, $2, $3, $4, $5::bytea)
        ON CONFLICT (merchant_id, subject, kind) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed)sql";

constexpr const char* kDropRenewingSecrets = R"sql(
    DELETE FROM credential_secrets
     WHERE merchant_id = $1::bigint AND subject = $2 AND kind IN ('refresh_token', 'client_secret'))sql";

constexpr const char* kForget = "DELETE FROM credentials WHERE merchant_id = $1::bigint AND subject = $2";

constexpr const char* kSecret = R"sql(
    SELECT key_id, sealed FROM credential_secrets WHERE merchant_id = $1::bigint AND subject = $2 AND kind = $3)sql";

constexpr const char* kSealedOtherwise = R"sql(
    SELECT merchant_id, subject, kind FROM credential_secrets WHERE key_id <> $1
     ORDER BY merchant_id, subject, kind FOR UPDATE)sql";

constexpr const char* kAccessToken = R"sql(
    SELECT secret.key_id, secret.sealed
      FROM credential_secrets secret JOIN credentials c USING (merchant_id, subject)
     WHERE secret.merchant_id = $1::bigint AND secret.subject = $2 AND secret.kind = 'access_token'
       AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()))sql";

// A claim lasts longer than a call may; who held one and died is followed by the next. What a 401 asks for is done at most
// every ten seconds, however often it is refused.
constexpr const char* kClaim = R"sql(
    WITH due AS (
        SELECT c.merchant_id, c.subject
          FROM credentials c
         WHERE c.way <> 'static'
           AND (c.renew_at <= now() OR (c.refused_version = c.version AND c.obtained_at < now() - interval '10 seconds'))
           AND coalesce(c.retry_at <= now(), true) AND coalesce(c.claimed_until <= now(), true)
           AND (c.way = 'client_credentials'
                OR EXISTS (SELECT FROM credential_secrets secret
                            WHERE secret.merchant_id = c.merchant_id AND secret.subject = c.subject
                              AND secret.kind = 'refresh_token'))
         ORDER BY c.renew_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED)
    UPDATE credentials c SET claim = $1, claimed_until = now() + interval '30 seconds'
      FROM due
     WHERE c.merchant_id = due.merchant_id AND c.subject = due.subject
    RETURNING c.merchant_id, c.subject, c.way, c.client_id,
              (SELECT base_url FROM stores WHERE merchant_id = c.merchant_id AND key = c.store_key), c.version,
              c.failures, coalesce(c.expires_at <= now(), c.version = 0))sql";

// Half of the life that is left is a long time to mend what keeps a renewal from succeeding.
constexpr const char* kKeepGrant = R"sql(
    UPDATE credentials
       SET version = version + 1, scopes = CASE WHEN cardinality($4::text[]) > 0 THEN $4::text[] ELSE scopes END,
           obtained_at = now(), expires_at = now() + nullif($5::bigint, 0) * interval '1 second',
           renew_at = now() + nullif($5::bigint, 0) * interval '0.5 second', retry_at = NULL, refused_version = NULL,
           failures = 0, last_error = '', claim = '', claimed_until = NULL
     WHERE merchant_id = $1::bigint AND subject = $2 AND claim = $3)sql";

constexpr const char* kNoteFailure = R"sql(
    UPDATE credentials
       SET failures = failures + 1, last_error = $4, claim = '', claimed_until = NULL,
           retry_at = now() + least(power(2, least(failures, 10)), 60) * interval '1 second'
     WHERE merchant_id = $1::bigint AND subject = $2 AND claim = $3)sql";

constexpr const char* kOpenIncident = R"sql(
    INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at)
    VALUES ($1::bigint, $2, $3, $4, now(), now())
        ON CONFLICT (merchant_id, incident_key) WHERE closed_at IS NULL DO UPDATE
       SET cause = excluded.cause, text = excluded.text, updated_at = excluded.updated_at)sql";

constexpr const char* kCloseIncident = R"sql(
    UPDATE incidents SET closed_at = now(), updated_at = now()
     WHERE merchant_id = $1::bigint AND incident_key = $2 AND closed_at IS NULL)sql";

constexpr const char* kAudit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    VALUES ($1::bigint, now(), $2, $3, $4, $5, $6::jsonb))sql";

constexpr const char* kBeginAuthorization = R"sql(
    UPDATE credentials SET state_hash = $3, state_expires_at = now() + interval '10 minutes'
     WHERE merchant_id = $1::bigint AND subject = $2 AND way = 'authorization_code')sql";

// The state is used up even when what follows fails: a second try begins anew.
constexpr const char* kFinishAuthorization = R"sql(
    UPDATE credentials c SET state_hash = NULL, state_expires_at = NULL, claim = $2, claimed_until = now() + interval '30 seconds'
      FROM stores store
     WHERE c.state_hash = $1 AND c.state_expires_at > now() AND c.way = 'authorization_code'
       AND store.merchant_id = c.merchant_id AND store.key = c.store_key
    RETURNING c.merchant_id, c.subject, c.way, c.client_id, store.base_url, c.version, c.failures,
              coalesce(c.expires_at <= now(), c.version = 0), store.shop_domain)sql";

constexpr const char* kNoteScopes = R"sql(
    UPDATE credentials SET scopes = $3::text[], scopes_checked_at = now() WHERE merchant_id = $1::bigint AND subject = $2)sql";

constexpr int failures_for_an_incident = 3;

std::string place_of(const CredentialKey& key, const char* kind) {
    return place_of_secret(std::to_string(key.merchant.value), key.subject, kind);
}

void keep_secret(
    Transaction& transaction,
    const KeyRing& ring,
    const CredentialKey& key,
    const char* kind,
    const std::string& secret) {
    const runtime::Sealed sealed = ring.seal(secret, place_of(key, kind));
    transaction.execute(kKeepSecret, {key.merchant, key.subject, kind, sealed.key_id, Bytes{sealed.bytes}});
}

std::string opened(const KeyRing& ring, const CredentialKey& key, const char* kind, const Rows& rows) {
    runtime::Result<std::string> secret = ring.open({rows.text(0, 0), rows.bytes(0, 1)}, place_of(key, kind));
    if (!secret) {
        runtime::Error error = secret.error();
        error.message = key.subject + ", " + kind + ": " + error.message;
        throw runtime::ErrorException(error);
    }
    return std::move(*secret);
}

// Empty when there is none.
std::string secret_of(Transaction& transaction, const KeyRing& ring, const CredentialKey& key, const char* kind) {
    const Rows rows = transaction.query(kSecret, {key.merchant, key.subject, kind});
    return rows.empty() ? std::string() : opened(ring, key, kind, rows);
}

std::vector<std::string> texts_of(const nlohmann::json& list) {
    return list.get<std::vector<std::string>>();
}

std::vector<CredentialRow> listed(Transaction& transaction, std::optional<std::int64_t> unchecked_for) {
    return read_all(transaction.query(kList, {unchecked_for}), [](RowReader& row) {
        CredentialRow credential;
        credential.key.merchant = row.id<sagas::MerchantId>();
        credential.key.subject = row.text();
        credential.merchant_name = row.text();
        credential.way = row.text();
        credential.client_id = row.text();
        credential.base_url = row.text();
        credential.api_version = row.text();
        credential.scopes = texts_of(row.json());
        credential.scopes_checked_at = row.optional_instant();
        credential.version = row.int64();
        credential.obtained_at = row.optional_instant();
        credential.expires_at = row.optional_instant();
        credential.renew_at = row.optional_instant();
        credential.failures = row.int32();
        credential.last_error = row.text();
        credential.key_ids = texts_of(row.json());
        return credential;
    });
}

// The columns that claiming and finishing an authorization answer alike.
Renewal renewal_of(Transaction& transaction, const KeyRing& ring, RowReader& row, const std::string& claim) {
    Renewal renewal;
    renewal.key.merchant = row.id<sagas::MerchantId>();
    renewal.key.subject = row.text();
    renewal.way = row.text();
    renewal.client_id = row.text();
    renewal.base_url = row.text_or_empty();
    renewal.version = row.int64();
    renewal.failures = row.int32();
    renewal.expired = row.boolean();
    renewal.claim = claim;
    // One credential whose key is missing must not keep the others from being renewed.
    try {
        renewal.client_secret = secret_of(transaction, ring, renewal.key, "client_secret");
        renewal.refresh_token = secret_of(transaction, ring, renewal.key, "refresh_token");
    } catch (const runtime::ErrorException& fault) {
        renewal.unopened = fault.what();
    }
    return renewal;
}

std::string incident_of(const CredentialKey& key) {
    return "credential:" + key.subject;
}

}  // namespace

std::string place_of_secret(const std::string& merchant, const std::string& subject, const std::string& kind) {
    return merchant + "\n" + subject + "\n" + kind;
}

std::vector<CredentialRow> credentials(Transaction& transaction) {
    return listed(transaction, std::nullopt);
}

std::vector<CredentialHolder> credential_holders(Transaction& transaction) {
    return read_all(transaction.query(kHolders), [](RowReader& row) {
        CredentialHolder holder;
        holder.key.merchant = row.id<sagas::MerchantId>();
        holder.key.subject = row.text();
        holder.merchant_name = row.text();
        holder.token_ref = row.text();
        holder.has_credential = row.boolean();
        return holder;
    });
}

void keep_credential(
    Transaction& transaction,
    const KeyRing& ring,
    const NewCredential& credential,
    const std::string& actor,
    const std::string& reason) {
    const CredentialKey& key = credential.key;
    transaction.execute(kKeep, {key.merchant, key.subject, credential.way, credential.client_id});
    transaction.execute(kDropRenewingSecrets, {key.merchant, key.subject});
    if (!credential.client_secret.empty())
        keep_secret(transaction, ring, key, "client_secret", credential.client_secret);
    if (!credential.access_token.empty()) keep_secret(transaction, ring, key, "access_token", credential.access_token);
    transaction.execute(kCloseIncident, {key.merchant, incident_of(key)});
    const nlohmann::json details{{"way", credential.way}, {"client_id", credential.client_id}};
    transaction.execute(
        kAudit, {key.merchant, actor, "credential set", key.subject, reason, runtime::dump_json(details)});
}

bool forget_credential(
    Transaction& transaction,
    const CredentialKey& key,
    const std::string& actor,
    const std::string& reason) {
    if (transaction.execute(kForget, {key.merchant, key.subject}) == 0) return false;
    transaction.execute(kCloseIncident, {key.merchant, incident_of(key)});
    transaction.execute(kAudit, {key.merchant, actor, "credential removed", key.subject, reason, "{}"});
    return true;
}

std::int64_t seal_anew(Transaction& transaction, const KeyRing& ring) {
    const Rows rows = transaction.query(kSealedOtherwise, {ring.sealing_key_id()});
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const CredentialKey key{{rows.int64(row, 0)}, rows.text(row, 1)};
        const std::string kind = rows.text(row, 2);
        keep_secret(transaction, ring, key, kind.c_str(), secret_of(transaction, ring, key, kind.c_str()));
    }
    return static_cast<std::int64_t>(rows.size()) + seal_store_keys_anew(transaction, ring);
}

std::optional<std::string> access_token(Transaction& transaction, const KeyRing& ring, const CredentialKey& key) {
    const Rows rows = transaction.query(kAccessToken, {key.merchant, key.subject});
    if (rows.empty()) return std::nullopt;
    return opened(ring, key, "access_token", rows);
}

std::optional<Renewal> claim_renewal(Transaction& transaction, const KeyRing& ring) {
    const std::string claim = runtime::random_token(16);
    const Rows rows = transaction.query(kClaim, {claim});
    if (rows.empty()) return std::nullopt;
    RowReader row(rows, 0);
    return renewal_of(transaction, ring, row, claim);
}

bool keep_grant(Transaction& transaction, const KeyRing& ring, const Renewal& renewal, const Grant& grant) {
    const CredentialKey& key = renewal.key;
    const std::int64_t lifetime = grant.lifetime ? grant.lifetime->count() : 0;
    if (transaction.execute(kKeepGrant, {key.merchant, key.subject, renewal.claim, grant.scopes, lifetime}) == 0)
        return false;
    keep_secret(transaction, ring, key, "access_token", grant.access_token);
    if (!grant.refresh_token.empty()) keep_secret(transaction, ring, key, "refresh_token", grant.refresh_token);
    transaction.execute(kCloseIncident, {key.merchant, incident_of(key)});
    return true;
}

void note_failure(Transaction& transaction, const Renewal& renewal, const std::string& reason) {
    const CredentialKey& key = renewal.key;
    if (transaction.execute(kNoteFailure, {key.merchant, key.subject, renewal.claim, reason}) == 0) return;
    if (renewal.failures + 1 < failures_for_an_incident && !renewal.expired) return;
    const std::string text = key.subject + (renewal.expired ? ": there is no valid token; " : ": ") + reason;
    transaction.execute(kOpenIncident, {key.merchant, incident_of(key), "a credential cannot be renewed", text});
}

bool begin_authorization(Transaction& transaction, const CredentialKey& key, const std::string& state_hash) {
    return transaction.execute(kBeginAuthorization, {key.merchant, key.subject, state_hash}) == 1;
}

std::optional<Authorization> finish_authorization(
    Transaction& transaction,
    const KeyRing& ring,
    const std::string& state_hash) {
    const std::string claim = runtime::random_token(16);
    const Rows rows = transaction.query(kFinishAuthorization, {state_hash, claim});
    if (rows.empty()) return std::nullopt;
    RowReader row(rows, 0);
    Authorization authorization;
    authorization.renewal = renewal_of(transaction, ring, row, claim);
    authorization.shop_domain = row.text();
    return authorization;
}

std::vector<CredentialRow> scopes_to_check(Transaction& transaction, std::chrono::seconds older_than) {
    return listed(transaction, older_than.count());
}

void note_scopes(
    Transaction& transaction,
    const CredentialKey& key,
    const std::vector<std::string>& granted,
    const std::vector<std::string>& missing) {
    transaction.execute(kNoteScopes, {key.merchant, key.subject, granted});
    const std::string incident = "scopes:" + key.subject;
    if (missing.empty()) {
        transaction.execute(kCloseIncident, {key.merchant, incident});
        return;
    }
    transaction.execute(
        kOpenIncident,
        {key.merchant, incident, "a credential lacks scopes", key.subject + " lacks " + runtime::joined(missing)});
}

}  // namespace ordersaga::db
