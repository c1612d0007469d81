#include "orchestrator/cli/surroundings.hpp"

#include "orchestrator/cli/exit_code.hpp"

namespace ordersaga::cli {

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
    settings.admin_dsn = root.optional_secret("admin_dsn");
    settings.migrator_dsn = root.optional_secret("migrator_dsn");
    settings.engine_dsn = root.optional_secret("engine_dsn");
    settings.worker_dsn = root.optional_secret("worker_dsn");
    settings.api_dsn = root.optional_secret("api_dsn");
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

}  // namespace ordersaga::cli
