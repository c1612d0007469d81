// What sagactl touches besides network and database; tests put their own in its place.
#pragma once

#include "runtime/config.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::cli {

struct Surroundings {
    std::ostream& out;
    std::ostream& err;
    runtime::Environment environment;
    bool colours = false;  // standard output is a terminal that likes them
    // A line that nobody may see: asked of a person, who does not see it either, or the next of standard input.
    std::function<std::string(const std::string& prompt)> secret = nullptr;
    bool asks_a_person = false;  // `secret` does: a slip of the finger is possible
};

// Where the service and the databases are. From the file given by --config, each value overridden by the environment:
// url (ORDERSAGA_URL), token (ORDERSAGA_TOKEN), admin_dsn, migrator_dsn, engine_dsn, worker_dsn, api_dsn (ORDERSAGA_..._DSN),
// credentials_keys (ORDERSAGA_CREDENTIALS_KEYS), and for the doctor amqp_url, amqp_ca_file, amqp_prefix, engine_shards, in
// the same variables as the orchestrator's.
// Secrets stand in the file as references only (env:NAME, file:/path), never on the command line.
struct Settings {
    std::optional<std::string> url, token, admin_dsn, migrator_dsn, engine_dsn, worker_dsn, api_dsn, credentials_keys;
    std::optional<std::string> amqp_url, amqp_ca_file, amqp_prefix;
    int engine_shards = 8;
};

// Throws CliError (usage) with all faults.
Settings read_settings(const std::optional<std::string>& file, const runtime::Environment& environment);

// The value, or CliError (usage) naming the variable.
const std::string& required(const std::optional<std::string>& value, const std::string& name);

// Who acts, for the audit.
std::string actor_of(const Surroundings& world);

// Readable by the owner alone from the first byte on; appears whole or not at all. Throws CliError (usage).
void write_private_file(const std::string& path, const std::string& content);

// The token or client secret that `reference` (env:NAME, file:/path) leads to. Throws CliError (usage), which begins with
// `what` and never repeats the secret.
std::string secret_behind(const Surroundings& world, const std::string& reference, const std::string& what);

// What every verb gets.
struct Context {
    Surroundings& world;
    Settings settings;
    bool json = false;  // --json: one document instead of tables
};

}  // namespace ordersaga::cli
