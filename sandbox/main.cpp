// sandbox: stands in for Shopify stores and a ShipBob warehouse over real HTTP. See docs/sandbox.md.
#include "runtime/clock.hpp"
#include "runtime/shutdown.hpp"
#include "sandbox/sandbox_server.hpp"

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>

namespace {

constexpr const char* usage =
    "usage: sandbox [--port N] [--seed N] [--setup FILE] [--smtp-port N [...]]\n"
    "  --port N      listen on 127.0.0.1:N (0, the default: a free port)\n"
    "  --seed N      what is random is drawn from this number (default 1)\n"
    "  --setup FILE  JSON: {\"stores\": [...], \"warehouses\": [...], \"faults\": {...}}, see docs/sandbox.md\n"
    "  --smtp-port N take mail on 127.0.0.1:N as well (0: a free port)\n"
    "  --smtp-certificate FILE, --smtp-key FILE      only after STARTTLS, with this certificate (PEM)\n"
    "  --smtp-user NAME, --smtp-password PASSWORD    only after this login\n";

struct Options {
    std::uint16_t port = 0;
    std::uint64_t seed = 1;
    std::string setup_file;
    bool takes_mail = false;
    ordersaga::sandbox::MailSinkOptions mail;
    bool help = false;
};

template <class Number>
bool read_number(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Empty on success, else what is wrong with the command line.
std::string read_options(int count, char** words, Options& options) {
    for (int index = 1; index < count; ++index) {
        const std::string_view name = words[index];
        if (name == "--help" || name == "-h") {
            options.help = true;
            return {};
        }
        if (index + 1 >= count) {
            return std::string(name) + " is not known, or lacks its value";
        }
        const std::string_view value = words[++index];
        const bool understood = name == "--port"    ? read_number(value, options.port)
                                : name == "--seed"  ? read_number(value, options.seed)
                                : name == "--setup" ? !(options.setup_file = value).empty()
                                : name == "--smtp-port"
                                    ? (options.takes_mail = true) && read_number(value, options.mail.port)
                                : name == "--smtp-certificate" ? !(options.mail.certificate_file = value).empty()
                                : name == "--smtp-key"         ? !(options.mail.key_file = value).empty()
                                : name == "--smtp-user"        ? !(options.mail.user = value).empty()
                                : name == "--smtp-password"    ? !(options.mail.password = value).empty()
                                                               : false;
        if (!understood) {
            return std::string(name) + " " + std::string(value) + " is not understood";
        }
    }
    return {};
}

int run(const Options& options) {
    boost::asio::io_context context(1);
    ordersaga::runtime::SystemClock clock;
    ordersaga::sandbox::SandboxServer server(context, options.port, options.seed, clock);
    ordersaga::runtime::Shutdown shutdown(context.get_executor(), [&] { server.stop(); });
    if (!options.setup_file.empty()) {
        std::ifstream file(options.setup_file);
        std::stringstream text;
        text << file.rdbuf();
        if (!file) {
            std::cerr << "sandbox: cannot read " << options.setup_file << '\n';
            return 2;
        }
        const std::string problem = server.set_up(text.str());
        if (!problem.empty()) {
            std::cerr << "sandbox: " << options.setup_file << ": " << problem << '\n';
            return 2;
        }
    }
    std::cout << "sandbox listening on " << server.url() << std::endl;
    if (options.takes_mail)
        std::cout << "sandbox takes mail at smtp://127.0.0.1:" << server.listen_for_mail(options.mail) << std::endl;
    context.run();
    return 0;
}

}  // namespace

int main(int count, char** words) {
    Options options;
    const std::string problem = read_options(count, words, options);
    if (!problem.empty()) {
        std::cerr << "sandbox: " << problem << '\n' << usage;
        return 2;
    }
    if (options.help) {
        std::cout << usage;
        return 0;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "sandbox: " << error.what() << '\n';
        return 1;
    }
}
