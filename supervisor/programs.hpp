// The programs of ordersaga itself, as `ordersaga up` runs them: beside each other, on the servers of its data directory.
#pragma once

#include "supervisor/supervised.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace ordersaga::supervisor {

class DataDirectory;
struct ServerAddresses;

// Database, roles and schema as this version needs them; safe to repeat. The result, which is also kept in DIR/database.env
// for sagactl, says where each role connects. Throws NotUsable when the schema is newer, std::runtime_error when it fails otherwise.
std::map<std::string, std::string> migrate(
    DataDirectory& data,
    const std::filesystem::path& programs,
    const ServerAddresses& servers);

// `name` is orchestrator, activity-worker or notifier. They log where we do; settings of the file or the environment decide all but the
// addresses of the servers.
Service program(
    const std::string& name,
    const std::filesystem::path& programs,
    const std::filesystem::path& settings,
    const std::map<std::string, std::string>& database,
    const ServerAddresses& servers);

}  // namespace ordersaga::supervisor
