#include "db/address.hpp"

#include "runtime/url.hpp"

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace ordersaga::db {

namespace {

struct OptionsDeleter {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, OptionsDeleter>;

Options parse_dsn(const std::string& dsn) {
    char* reason = nullptr;
    Options options(PQconninfoParse(dsn.c_str(), &reason));
    if (!options) {
        // The reason may repeat the password, so it is not passed on.
        PQfreemem(reason);
        throw std::invalid_argument("the database address is malformed");
    }
    return options;
}

void append_option(std::string& dsn, std::string_view keyword, std::string_view value) {
    if (!dsn.empty()) {
        dsn.push_back(' ');
    }
    dsn.append(keyword).append("='");
    for (const char character : value) {
        if (character == '\'' || character == '\\') {
            dsn.push_back('\\');
        }
        dsn.push_back(character);
    }
    dsn.push_back('\'');
}

// What the address says of it, else what the library would take from the environment instead.
std::string value_of(const Options& options, std::string_view keyword) {
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (keyword != option->keyword) continue;
        const char* value = option->val;
        if (value == nullptr && option->envvar != nullptr) value = std::getenv(option->envvar);
        return value == nullptr ? "" : value;
    }
    return {};
}

// All of a list with commas; nothing and a path mean a socket file.
bool are_on_this_machine(std::string_view hosts) {
    for (;;) {
        const std::size_t comma = hosts.find(',');
        const std::string_view host = hosts.substr(0, comma);
        const bool is_socket = host.empty() || host.front() == '/' || host.front() == '@';
        if (!is_socket && !runtime::is_loopback_host(host)) return false;
        if (comma == std::string_view::npos) return true;
        hosts.remove_prefix(comma + 1);
    }
}

}  // namespace

std::string address_fault(const std::string& dsn) {
    Options options;
    try {
        options = parse_dsn(dsn);
    } catch (const std::invalid_argument& fault) {
        return fault.what();
    }
    const std::string address = value_of(options, "hostaddr");
    if (are_on_this_machine(address.empty() ? value_of(options, "host") : address)) return {};
    const std::string mode = value_of(options, "sslmode");
    if (mode == "verify-full" || mode == "verify-ca" || mode == "require" || mode == "disable") return {};
    return "leads to another machine and leaves open whether it wants TLS: add sslmode=verify-full "
           "(or sslmode=disable, where nobody else can listen on the network)";
}

std::string dsn_with(const std::string& dsn, std::initializer_list<std::pair<std::string_view, std::string>> changes) {
    const Options options = parse_dsn(dsn);
    std::string result;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        bool changed = false;
        for (const auto& [keyword, value] : changes) {
            changed = changed || keyword == option->keyword;
        }
        if (!changed && option->val != nullptr) {
            append_option(result, option->keyword, option->val);
        }
    }
    for (const auto& [keyword, value] : changes) {
        append_option(result, keyword, value);
    }
    return result;
}

std::string dsn_without_password(const std::string& dsn) {
    const Options options = parse_dsn(dsn);
    std::string result;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        // dispchar '*' marks passwords, also those of keys.
        if (option->val != nullptr && std::string_view(option->dispchar) != "*") {
            append_option(result, option->keyword, option->val);
        }
    }
    return result;
}

}  // namespace ordersaga::db
