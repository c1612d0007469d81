// Who may come in: operators with their sessions, API tokens. Hashes only; a secret is never stored. Needs a login that may
// write for all merchants (the engine's). Everything throws DatabaseError.
#pragma once

#include "db/session.hpp"
#include "orchestrator/api/queries.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::db {

// As the scope of a token or an operator: all merchants, also those that come later.
inline constexpr const char* all_merchants = "all";

struct NewToken {
    std::string merchant;  // name, must exist; or all_merchants
    std::string name;
    std::string role;  // read | operator | admin
    std::string token_sha256_hex;
    std::optional<Instant> expires_at;
};

struct TokenRow {
    std::string id;  // the first digits of its hash
    std::string name, role, merchant;
    Instant created_at{};
    std::optional<Instant> expires_at, revoked_at;
    bool live = false;
};

struct NewOperator {
    std::string merchant;  // as of a token
    std::string name;
    std::string role;
    std::string password;  // runtime::hash_password
};

struct OperatorRow {
    std::string name, role, merchant;
    Instant created_at{};
    std::optional<Instant> disabled_at, last_seen_at;
};

// Stores the hash of a token. False: there is no such merchant.
bool create_token(Session& session, const NewToken& token, const std::string& actor, const std::string& reason);
std::vector<TokenRow> list_tokens(Session& session);
// Live tokens of this id (at least 8 digits) or name: revoked when it is exactly one. Answers how many there are.
std::size_t revoke_token(
    Session& session,
    const std::string& id_or_name,
    const std::string& actor,
    const std::string& reason);

// False: there is no such merchant. BadData (23505): the name is taken.
bool create_operator(Session& session, const NewOperator& person, const std::string& actor, const std::string& reason);
std::vector<OperatorRow> list_operators(Session& session);
// These end all sessions of the operator; a lock after failed attempts ends too. False: there is none of this name (or he is disabled already).
bool disable_operator(Session& session, const std::string& name, const std::string& actor, const std::string& reason);
bool set_operator_password(
    Session& session,
    const std::string& name,
    const std::string& password,
    const std::string& actor,
    const std::string& reason);

// What the REST API asks; see api::Queries.
std::optional<api::Principal> find_token(Session& session, const std::string& sha256_hex);
std::optional<api::Principal> find_session(Session& session, const std::string& sha256_hex);
api::SignInAttempt begin_sign_in(Session& session, const std::string& name);
bool open_session(
    Session& session,
    const api::SignInAttempt& attempt,
    const std::string& name,
    const std::string& sha256_hex);
void end_session(Session& session, const std::string& sha256_hex);

}  // namespace ordersaga::db
