#include "db/people.hpp"

#include "db/row_reader.hpp"
#include "runtime/crypto.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::db {

namespace {

using nlohmann::json;

// 0 stands for all merchants; no row: there is no merchant of this name.
constexpr std::string_view find_scope = R"sql(
    SELECT 0 WHERE $1 = 'all' UNION ALL SELECT merchant_id FROM merchants WHERE name = $1 AND $1 <> 'all')sql";

// Each merchant sees who may come in to it. $1 scope, then actor, action, subject, reason, details.
constexpr std::string_view write_audit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    SELECT merchant_id, now(), $2, $3, $4, $5, $6::jsonb FROM merchants WHERE $1::bigint IN (0, merchant_id))sql";

constexpr std::string_view insert_token = R"sql(
    INSERT INTO tokens (merchant_id, token_hash, name, role, expires_at)
    VALUES ($1::bigint, $2, $3, $4, $5::timestamptz))sql";

constexpr std::string_view select_tokens = R"sql(
    SELECT left(token_hash, 12), token.name, role, coalesce(merchants.name, 'all'), token.created_at, expires_at, revoked_at,
           revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      FROM tokens token LEFT JOIN merchants USING (merchant_id)
     ORDER BY token.created_at, token_hash)sql";

constexpr std::string_view lock_tokens = R"sql(
    SELECT merchant_id, token_hash, name FROM tokens
     WHERE revoked_at IS NULL AND (name = $1 OR (length($1) >= 8 AND starts_with(token_hash, $1)))
     ORDER BY token_hash FOR UPDATE)sql";

constexpr std::string_view revoke = R"sql(
    UPDATE tokens SET revoked_at = now() WHERE merchant_id = $1::bigint AND token_hash = $2)sql";

constexpr std::string_view select_token = R"sql(
    SELECT 'token.' || left(token_hash, 16), token.name, role, merchants.merchant_id, merchants.name
      FROM tokens token JOIN merchants ON token.merchant_id IN (0, merchants.merchant_id)
     WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
     ORDER BY merchants.name)sql";

constexpr std::string_view insert_operator = R"sql(
    INSERT INTO operators (merchant_id, name, role, password) VALUES ($1::bigint, $2, $3, $4))sql";

constexpr std::string_view select_operators = R"sql(
    SELECT person.name, role, coalesce(merchants.name, 'all'), person.created_at, disabled_at,
           (SELECT max(used_at) FROM operator_sessions seen
             WHERE seen.merchant_id = person.merchant_id AND seen.operator_id = person.operator_id)
      FROM operators person LEFT JOIN merchants USING (merchant_id) ORDER BY person.name)sql";

constexpr std::string_view disable = R"sql(
    UPDATE operators SET disabled_at = now() WHERE name = $1 AND disabled_at IS NULL
    RETURNING merchant_id, operator_id)sql";

constexpr std::string_view set_password = R"sql(
    UPDATE operators SET password = $2, password_set_at = now() WHERE name = $1 AND disabled_at IS NULL
    RETURNING merchant_id, operator_id)sql";

constexpr std::string_view end_sessions = R"sql(
    DELETE FROM operator_sessions WHERE merchant_id = $1::bigint AND operator_id = $2::bigint)sql";

// The lock ends 15 minutes after the fifth attempt: later ones do not prolong it, and count no further than 7.
constexpr std::string_view count_attempt = R"sql(
    INSERT INTO sign_in_attempts AS old (name_hash, attempts) VALUES ($1, 1)
    ON CONFLICT (merchant_id, name_hash) DO UPDATE
       SET attempts = CASE WHEN old.last_at < now() - interval '15 minutes' THEN 1 ELSE least(old.attempts + 1, 7) END,
           last_at = CASE WHEN old.attempts >= 5 AND old.last_at >= now() - interval '15 minutes' THEN old.last_at ELSE now() END
    RETURNING attempts, ceil(extract(epoch FROM last_at + interval '15 minutes' - now()))::bigint)sql";

constexpr std::int64_t first_refused = 6;
constexpr std::int64_t no_merchant = -1;

constexpr std::string_view forget_old_attempts = R"sql(
    DELETE FROM sign_in_attempts WHERE last_at < now() - interval '1 hour')sql";

constexpr std::string_view forget_attempts = "DELETE FROM sign_in_attempts WHERE name_hash = $1";

constexpr std::string_view select_operator = R"sql(
    SELECT merchant_id, operator_id, password FROM operators WHERE name = $1 AND disabled_at IS NULL)sql";

// Only while the password is still the one that was looked at.
constexpr std::string_view insert_session = R"sql(
    INSERT INTO operator_sessions (merchant_id, session_hash, operator_id)
    SELECT merchant_id, $2, operator_id FROM operators
     WHERE merchant_id = $1::bigint AND operator_id = $3::bigint AND password = $4 AND disabled_at IS NULL
       FOR SHARE)sql";

constexpr std::string_view forget_old_sessions = R"sql(
    DELETE FROM operator_sessions
     WHERE created_at < now() - interval '12 hours' OR used_at < now() - interval '30 minutes')sql";

constexpr std::string_view select_session = R"sql(
    SELECT 'operator.' || person.operator_id, person.name, person.role, merchants.merchant_id, merchants.name
      FROM operator_sessions session JOIN operators person USING (merchant_id, operator_id)
      JOIN merchants ON person.merchant_id IN (0, merchants.merchant_id)
     WHERE session_hash = $1 AND person.disabled_at IS NULL
       AND session.created_at > now() - interval '12 hours' AND session.used_at > now() - interval '30 minutes'
     ORDER BY merchants.name)sql";

// At most one write a minute for a page that asks every second.
constexpr std::string_view note_use = R"sql(
    UPDATE operator_sessions SET used_at = now() WHERE session_hash = $1 AND used_at < now() - interval '1 minute')sql";

constexpr std::string_view delete_session = R"sql(
    DELETE FROM operator_sessions session USING operators person
     WHERE session_hash = $1 AND person.merchant_id = session.merchant_id AND person.operator_id = session.operator_id
    RETURNING session.merchant_id, person.name)sql";

std::optional<std::int64_t> scope_of(Transaction& transaction, const std::string& merchant) {
    const Rows rows = transaction.query(find_scope, {merchant});
    if (rows.empty()) return std::nullopt;
    return rows.int64(0, 0);
}

// Columns: id, name, role, then a merchant in each row.
std::optional<api::Principal> principal_of(const Rows& rows) {
    if (rows.empty()) return std::nullopt;
    api::Principal principal;
    principal.id = rows.text(0, 0);
    principal.name = rows.text(0, 1);
    const std::string role = rows.text(0, 2);
    principal.role = role == "admin" ? api::Role::admin : role == "operator" ? api::Role::operator_ : api::Role::read;
    for (std::size_t row = 0; row < rows.size(); ++row)
        principal.merchants.push_back({{rows.int64(row, 3)}, rows.text(row, 4)});
    return principal;
}

// Changes an operator by a statement that answers his keys, ends his sessions and unlocks his name. False: no row.
bool change_operator(
    Session& session,
    std::string_view statement,
    const std::vector<Parameter>& parameters,
    const std::string& action,
    const std::string& name,
    const std::string& actor,
    const std::string& reason) {
    bool found = false;
    session.transact([&](Transaction& transaction) {
        const Rows rows = transaction.query(statement, parameters);
        found = !rows.empty();
        if (!found) return;
        transaction.execute(end_sessions, {rows.int64(0, 0), rows.int64(0, 1)});
        transaction.execute(forget_attempts, {runtime::sha256_hex(name)});
        transaction.execute(write_audit, {rows.int64(0, 0), actor, action, name, reason, "{}"});
    });
    return found;
}

}  // namespace

bool create_token(Session& session, const NewToken& token, const std::string& actor, const std::string& reason) {
    bool found = false;
    session.transact([&](Transaction& transaction) {
        const std::optional<std::int64_t> scope = scope_of(transaction, token.merchant);
        found = scope.has_value();
        if (!found) return;
        transaction.execute(insert_token, {*scope, token.token_sha256_hex, token.name, token.role, token.expires_at});
        transaction.execute(
            write_audit, {*scope, actor, "token create", token.name, reason, json{{"role", token.role}}.dump()});
    });
    return found;
}

std::vector<TokenRow> list_tokens(Session& session) {
    std::vector<TokenRow> tokens;
    session.transact([&](Transaction& transaction) {
        tokens = read_all(transaction.query(select_tokens), [](RowReader& row) {
            TokenRow token;
            token.id = row.text();
            token.name = row.text();
            token.role = row.text();
            token.merchant = row.text();
            token.created_at = row.instant();
            token.expires_at = row.optional_instant();
            token.revoked_at = row.optional_instant();
            token.live = row.boolean();
            return token;
        });
    });
    return tokens;
}

std::size_t revoke_token(
    Session& session,
    const std::string& id_or_name,
    const std::string& actor,
    const std::string& reason) {
    std::size_t found = 0;
    session.transact([&](Transaction& transaction) {
        const Rows rows = transaction.query(lock_tokens, {id_or_name});
        found = rows.size();
        if (found != 1) return;
        transaction.execute(revoke, {rows.int64(0, 0), rows.text(0, 1)});
        transaction.execute(write_audit, {rows.int64(0, 0), actor, "token revoke", rows.text(0, 2), reason, "{}"});
    });
    return found;
}

bool create_operator(Session& session, const NewOperator& person, const std::string& actor, const std::string& reason) {
    bool found = false;
    session.transact([&](Transaction& transaction) {
        const std::optional<std::int64_t> scope = scope_of(transaction, person.merchant);
        found = scope.has_value();
        if (!found) return;
        transaction.execute(insert_operator, {*scope, person.name, person.role, person.password});
        transaction.execute(
            write_audit, {*scope, actor, "operator create", person.name, reason, json{{"role", person.role}}.dump()});
    });
    return found;
}

std::vector<OperatorRow> list_operators(Session& session) {
    std::vector<OperatorRow> operators;
    session.transact([&](Transaction& transaction) {
        operators = read_all(transaction.query(select_operators), [](RowReader& row) {
            OperatorRow person;
            person.name = row.text();
            person.role = row.text();
            person.merchant = row.text();
            person.created_at = row.instant();
            person.disabled_at = row.optional_instant();
            person.last_seen_at = row.optional_instant();
            return person;
        });
    });
    return operators;
}

bool disable_operator(Session& session, const std::string& name, const std::string& actor, const std::string& reason) {
    return change_operator(session, disable, {name}, "operator disable", name, actor, reason);
}

bool set_operator_password(
    Session& session,
    const std::string& name,
    const std::string& password,
    const std::string& actor,
    const std::string& reason) {
    return change_operator(session, set_password, {name, password}, "operator password", name, actor, reason);
}

std::optional<api::Principal> find_token(Session& session, const std::string& sha256_hex) {
    std::optional<api::Principal> principal;
    session.transact(
        [&](Transaction& transaction) { principal = principal_of(transaction.query(select_token, {sha256_hex})); });
    return principal;
}

std::optional<api::Principal> find_session(Session& session, const std::string& sha256_hex) {
    std::optional<api::Principal> principal;
    session.transact([&](Transaction& transaction) {
        principal = principal_of(transaction.query(select_session, {sha256_hex}));
        if (principal) transaction.execute(note_use, {sha256_hex});
    });
    return principal;
}

api::SignInAttempt begin_sign_in(Session& session, const std::string& name) {
    api::SignInAttempt attempt;
    session.transact([&](Transaction& transaction) {
        attempt = {};
        transaction.execute(forget_old_attempts);
        const Rows counted = transaction.query(count_attempt, {runtime::sha256_hex(name)});
        const Rows person = transaction.query(select_operator, {name});
        const std::int64_t attempts = counted.int64(0, 0);
        if (attempts >= first_refused)
            attempt.locked_for = std::chrono::seconds(std::max<std::int64_t>(counted.int64(0, 1), 1));
        // For nobody too, where no merchant hears of it: how long an answer takes must not tell whether there is such a name.
        if (attempts == first_refused)
            transaction.execute(
                write_audit, {person.empty() ? no_merchant : person.int64(0, 0), name, "sign-in locked", name,
                              "five attempts failed", "{}"});
        if (person.empty()) return;
        attempt.merchant_id = person.int64(0, 0);
        attempt.operator_id = person.int64(0, 1);
        attempt.password = person.text(0, 2);
    });
    return attempt;
}

bool open_session(
    Session& session,
    const api::SignInAttempt& attempt,
    const std::string& name,
    const std::string& sha256_hex) {
    bool opened = false;
    session.transact([&](Transaction& transaction) {
        opened = transaction.execute(
                     insert_session, {attempt.merchant_id, sha256_hex, attempt.operator_id, attempt.password}) == 1;
        if (!opened) return;
        transaction.execute(forget_old_sessions);
        transaction.execute(forget_attempts, {runtime::sha256_hex(name)});
        transaction.execute(write_audit, {attempt.merchant_id, name, "sign in", name, "password", "{}"});
    });
    return opened;
}

void end_session(Session& session, const std::string& sha256_hex) {
    session.transact([&](Transaction& transaction) {
        const Rows ended = transaction.query(delete_session, {sha256_hex});
        if (ended.empty()) return;
        transaction.execute(
            write_audit, {ended.int64(0, 0), ended.text(0, 1), "sign out", ended.text(0, 1), "asked for", "{}"});
    });
}

}  // namespace ordersaga::db
