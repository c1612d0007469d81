// The orchestrator's REST API, one call at a time, with faults turned into exit codes.
#pragma once

#include "orchestrator/cli/surroundings.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::cli {

using Query = std::vector<std::pair<std::string, std::string>>;  // empty values are left out

class RestClient {
public:
    // Throws CliError (usage) when there is no token or the address is no address.
    explicit RestClient(const Settings& settings);
    ~RestClient();

    // `path` below /api/v1, its segments encoded already. Throws CliError for everything but an answer of 2xx.
    nlohmann::json get(const std::string& path, const Query& query = {});
    // Answers of paged collections, put together, at most `limit` items.
    nlohmann::json get_items(const std::string& path, Query query, std::size_t limit);
    nlohmann::json post(
        const std::string& path,
        const nlohmann::json& body,
        const std::vector<std::pair<std::string, std::string>>& headers = {});

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::cli
