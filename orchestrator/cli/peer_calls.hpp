// A store or a warehouse, called by sagactl itself: while it is being connected nothing else may run yet. All of this throws
// CliError, with what the peer said and what to do, never with a token.
#pragma once

#include "db/connecting.hpp"
#include "db/session.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::cli {

// The peer that setup calls `subject` ("store:eu"), with the token in force: of its credential, else what setup refers to.
struct OpenedPeer {
    db::Peer peer;
    std::string token;
};
OpenedPeer open_peer(
    const Context& context,
    db::Session& session,
    const std::string& subject,
    const std::string& merchant);

// The Admin API of a store. Waits when the store says that it is asked too often.
class StoreCalls {
public:
    explicit StoreCalls(OpenedPeer store) : store_(std::move(store)) {}

    // data.<root>, which is not null.
    nlohmann::json ask(std::string_view root, std::string_view text, const nlohmann::json& variables) const;
    // All nodes of a connection. `text` takes first and after.
    std::vector<nlohmann::json> ask_for_all(
        std::string_view root,
        std::string_view text,
        nlohmann::json variables,
        int page_size) const;
    // Empty when the mutation was made; else what its userErrors say.
    std::string change(std::string_view root, std::string_view text, const nlohmann::json& variables) const;

private:
    const OpenedPeer store_;
};

// ShipBob's API. Waits when it says that it is asked too often.
class WarehouseCalls {
public:
    explicit WarehouseCalls(OpenedPeer warehouse) : warehouse_(std::move(warehouse)) {}

    // `resource`: what stands behind the version, "channel". A list in any of its dresses, all pages of it.
    std::vector<nlohmann::json> get_all(const std::string& resource) const;
    // Empty when it was done; else what was said against it.
    std::string post(const std::string& resource, const nlohmann::json& body) const;
    std::string remove(const std::string& resource) const;

private:
    const OpenedPeer warehouse_;
};

}  // namespace ordersaga::cli
