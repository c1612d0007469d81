#include "orchestrator/cli/surroundings.hpp"

#include "db/address.hpp"
#include "orchestrator/cli/exit_code.hpp"
#include "runtime/json.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ordersaga::cli {

namespace {

std::optional<std::string> optional_dsn(runtime::ConfigSection& section, std::string_view key) {
    std::optional<std::string> dsn = section.optional_secret(key);
    const std::string fault = dsn ? db::address_fault(*dsn) : std::string();
    if (!fault.empty()) section.fault(key, fault);
    return dsn;
}

}  // namespace

Settings read_settings(const std::optional<std::string>& file, const runtime::Environment& given) {
    // A variable that is set to nothing counts as not set.
    const runtime::Environment environment = [&given](const std::string& name) {
        std::optional<std::string> value = given(name);
        if (value && value->empty()) value.reset();
        return value;
    };
    runtime::ConfigReader reader = file ? runtime::ConfigReader::from_file(*file, environment)
                                        : runtime::ConfigReader::from_text("", environment, "environment");
    runtime::ConfigSection root = reader.root();
    Settings settings;
    settings.url = root.optional_text("url");
    settings.token = root.optional_secret("token");
    settings.admin_dsn = optional_dsn(root, "admin_dsn");
    settings.migrator_dsn = optional_dsn(root, "migrator_dsn");
    settings.engine_dsn = optional_dsn(root, "engine_dsn");
    settings.worker_dsn = optional_dsn(root, "worker_dsn");
    settings.api_dsn = optional_dsn(root, "api_dsn");
    settings.credentials_keys = root.optional_secret("credentials_keys");
    settings.amqp_url = root.optional_secret("amqp_url");
    settings.amqp_ca_file = root.optional_text("amqp_ca_file");
    settings.amqp_prefix = root.optional_text("amqp_prefix");
    settings.engine_shards = static_cast<int>(root.integer("engine_shards", settings.engine_shards, 1, 256));
    const std::vector<runtime::ConfigFault> faults = reader.finish();
    if (!faults.empty()) throw CliError(ExitCode::usage, runtime::describe(faults));
    return settings;
}

const std::string& required(const std::optional<std::string>& value, const std::string& name) {
    if (value && !value->empty()) return *value;
    std::string variable = "ORDERSAGA_";
    for (const char letter : name)
        variable.push_back(letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter);
    throw CliError(ExitCode::usage, variable + " is not set, and --config names no file with " + name);
}

std::string actor_of(const Surroundings& world) {
    for (const char* name : {"SUDO_USER", "USER", "LOGNAME"}) {
        const std::optional<std::string> user = world.environment(name);
        if (user && !user->empty()) return "sagactl of " + *user;
    }
    return "sagactl";
}

void write_private_file(const std::string& path, const std::string& content) {
    const std::string draft = path + ".new";
    ::unlink(draft.c_str());
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool written = file >= 0;
    for (std::size_t at = 0; written && at < content.size();) {
        const ssize_t count = ::write(file, content.data() + at, content.size() - at);
        written = count > 0;
        if (written) at += static_cast<std::size_t>(count);
    }
    if (file >= 0) written = ::close(file) == 0 && written;
    if (!written || ::rename(draft.c_str(), path.c_str()) != 0) {
        const std::string reason = std::strerror(errno);
        ::unlink(draft.c_str());
        throw CliError(ExitCode::usage, "cannot write " + path + ": " + reason);
    }
}

std::string secret_behind(const Surroundings& world, const std::string& reference, const std::string& what) {
    // Read as every program reads references; a JSON text is a TOML text, and no variable may stand in for it.
    const runtime::Environment without_override = [&world](const std::string& name) {
        return name == "ORDERSAGA_REFERENCE" ? std::nullopt : world.environment(name);
    };
    runtime::ConfigReader reader =
        runtime::ConfigReader::from_text("reference = " + runtime::dump_json(reference), without_override, what);
    const std::string secret = reader.root().secret("reference");
    const std::vector<runtime::ConfigFault> faults = reader.finish();
    if (!faults.empty()) throw CliError(ExitCode::usage, what + " " + faults.front().message);
    const bool plain = std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!plain) throw CliError(ExitCode::usage, what + " holds a blank, a second line or a byte that no token has");
    return secret;
}

}  // namespace ordersaga::cli
