// ordersaga-demo: see --help, or docs/demo.md.
#include "sandbox/demo/account.hpp"
#include "sandbox/demo/rehearsal.hpp"
#include "sandbox/demo/story.hpp"
#include "sandbox/demo/system.hpp"

#include <nlohmann/json.hpp>

#include <exception>
#include <fstream>
#include <iostream>
#include <memory>

namespace ordersaga::demo {
namespace {

void step(const std::string& text) {
    std::cout << "- " << text << std::endl;
}

void stay_up(System& system) {
    std::size_t crashes = 0;
    while (true) {
        system.supervise();
        for (; crashes < system.crashes().size(); ++crashes)
            std::cerr << "ordersaga-demo: " << system.crashes()[crashes] << std::endl;
        runtime::pause(std::chrono::milliseconds(200));
    }
}

// Appears whole or not at all, readable by its owner only: it holds secrets.
void write_env(const std::filesystem::path& file, const std::map<std::string, std::string>& values) {
    const std::filesystem::path draft = file.string() + ".new";
    std::filesystem::remove(draft);
    std::ofstream stream(draft);
    std::filesystem::permissions(draft, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    for (const auto& [name, value] : values)
        stream << name << "=\"" << value << "\"\n";
    stream.close();
    if (!stream) throw std::runtime_error("cannot write " + draft.string());
    std::filesystem::rename(draft, file);
}

void show_addresses(const System& system) {
    const std::map<std::string, std::string> all = system.addresses();
    for (const char* name :
         {"ORDERSAGA_URL", "ORDERSAGA_PUBLIC_URL", "ORDERSAGA_SANDBOX_CONTROL_URL", "ORDERSAGA_LOGS"}) {
        std::cout << "  " << name << "=" << all.at(name) << '\n';
    }
    std::cout << "Ctrl-C ends it." << std::endl;
}

bool write_report(const std::filesystem::path& file, const Account& account, const FaultProfile& profile) {
    std::ofstream stream(file, std::ios::trunc);
    stream << report_of(account, profile).dump(2) << '\n';
    stream.close();
    if (!stream) std::cerr << "ordersaga-demo: cannot write " << file << std::endl;
    return static_cast<bool>(stream);
}

int run(const Options& options) {
    const FaultProfile profile = fault_profile(options.faults, options.kills);
    WorldSettings world = profile.world;
    world.real_limits = options.real_limits;
    if (options.story) {
        world.pick_after_ms = 120'000;  // time enough to think better of it
        world.split_fraction = 0;
    }
    System system(
        options, options.story ? story_catalogue() : make_catalogue(options.orders, options.stores, options.seed),
        world);
    system.start(step);
    if (options.story) return tell_story(system) ? 0 : 1;
    if (options.run) {
        write_env(options.env_file, system.addresses());
        std::cout << "up; every address is in " << options.env_file.string() << std::endl;
        stay_up(system);
    }
    const Account account = rehearse(system, options, profile);
    bool good = failures_of(account, profile).empty();
    std::cout << text_of(account, profile);
    if (!options.report.empty()) good = write_report(options.report, account, profile) && good;
    if (!options.exit) {
        std::cout << "\nEverything stays up:\n";
        show_addresses(system);
        try {
            stay_up(system);
        } catch (const runtime::Interrupted&) {
        }
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace ordersaga::demo

int main(int count, char** words) {
    namespace runtime = ordersaga::runtime;
    using namespace ordersaga::demo;
    Options options;
    switch (read_options(count, words, options)) {
        case OptionsEnd::shown_help: return 0;
        case OptionsEnd::wrong: return 2;
        case OptionsEnd::go_on: break;
    }
    runtime::catch_signals();
    try {
        return run(options);
    } catch (const runtime::Interrupted&) {
        // Having been asked to end is how --run ends well.
        return options.run ? 0 : 130;
    } catch (const std::exception& error) {
        std::cerr << "ordersaga-demo: " << error.what() << std::endl;
        return 1;
    }
}
