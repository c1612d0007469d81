// One TOML file with environment overrides, read into a program's own struct. Faults are collected, not thrown one
// by one: read everything, then ask finish() and print all of them.
//
//   ConfigReader reader = ConfigReader::from_file("ordersaga.toml", system_environment());
//   ConfigSection listen = reader.section("public");
//   options.port = listen.integer("port", 8080, 0, 65535);
//   options.token = listen.secret("token");
//   for (ConfigSection& store : reader.tables("stores")) { ... store.text("key") ... }
//   if (auto faults = reader.finish(); !faults.empty()) { print, exit 2 }
//
// The value of `port` in `[public]` is overridden by ORDERSAGA_PUBLIC_PORT; in the second `[[stores]]` table `token`
// by ORDERSAGA_STORES_1_TOKEN; dashes and dots in names become underscores. A key that nobody read is a fault.
// One thread, at start-up only.
#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::runtime {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment system_environment();
Environment fixed_environment(std::map<std::string, std::string> values);

struct ConfigFault {
    std::string where;    // "stores[1].token (ordersaga.toml:14)"
    std::string message;  // "names the environment variable STORE_B_TOKEN, which is not set"; never a secret's value
};

class ConfigSection {
public:
    // Readers without a default are for required values: when missing or wrong they record a fault and return an empty
    // value, so that reading can go on. Text from the environment is converted by the reader's own type.
    std::string text(std::string_view key);
    std::string text(std::string_view key, std::string_view fallback);
    std::optional<std::string> optional_text(std::string_view key);
    // One of `choices`, or a fault that lists them.
    std::string choice(std::string_view key, std::string_view fallback, const std::vector<std::string>& choices);
    std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high);
    std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t low, std::int64_t high);
    double number(std::string_view key, double fallback, double low, double high);
    bool boolean(std::string_view key, bool fallback);
    // "4.5s", "15m" (see parse_duration).
    Duration duration(std::string_view key, Duration fallback, Duration low, Duration high);
    // RFC 3339 text or a TOML date-time with offset.
    std::optional<Instant> optional_instant(std::string_view key);
    // An array of text; from the environment: separated by commas.
    std::vector<std::string> texts(std::string_view key, const std::vector<std::string>& fallback = {});

    // The secret that the value refers to: "env:NAME", "file:/path" or "credential:NAME", a file that the service manager
    // has put into CREDENTIALS_DIRECTORY (one trailing line end is cut). Any other value in the file is a fault: secrets
    // do not belong there; so is a "file:" that everybody on the machine can read. An environment override may be a
    // reference or the secret itself.
    std::string secret(std::string_view key);
    std::optional<std::string> optional_secret(std::string_view key);
    std::vector<std::string> secrets(std::string_view key);

    // A nested table [this.name]; missing is the same as empty.
    ConfigSection section(std::string_view name);
    // Nested arrays of tables [[this.name]].
    std::vector<ConfigSection> tables(std::string_view name);

    bool has(std::string_view key) const;  // in the file or in the environment
    bool present() const;                  // the table itself stands in the file
    std::string path() const;              // "stores[1]"
    // For checks of the program's own: adds a fault about `key`.
    void fault(std::string_view key, std::string message);

private:
    friend class ConfigReader;
    struct Node;
    explicit ConfigSection(std::shared_ptr<Node> node);
    std::shared_ptr<Node> node_;
};

class ConfigReader {
public:
    // Neither throws: a missing or malformed file is a fault with file and line. Without a file all values come from
    // the environment and the defaults.
    static ConfigReader from_file(const std::filesystem::path& file, Environment environment);
    static ConfigReader from_text(std::string_view toml, Environment environment, std::string name = "configuration");

    ConfigSection root();
    ConfigSection section(std::string_view name) { return root().section(name); }
    std::vector<ConfigSection> tables(std::string_view name) { return root().tables(name); }

    // Tables that another program reads from the same file: no fault when they are there.
    void leave_to_others(const std::vector<std::string>& names);
    // For the test of the example file: paths of the values that were asked for and nowhere given, and of those that were given
    // something else than their default.
    std::vector<std::string> left_to_defaults() const;
    std::vector<std::string> changed_from_defaults() const;
    // All faults so far, then one for each key of the file that was never asked for. Call it last.
    std::vector<ConfigFault> finish();

private:
    struct Content;
    explicit ConfigReader(std::shared_ptr<Content> content);
    std::shared_ptr<Content> content_;
    friend class ConfigSection;
};

// One line per fault, for standard error.
std::string describe(const std::vector<ConfigFault>& faults);

}  // namespace ordersaga::runtime
