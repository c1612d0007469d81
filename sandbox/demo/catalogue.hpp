// What the demo's merchant sells, where, and how much of it lies in the warehouse; and the documents that tell it to
// the sandbox and to `sagactl setup`. Pure: a seed and sizes in, values out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::demo {

enum class ArticleKind {
    plentiful,  // more in stock than all orders can want
    scarce,     // fewer than is asked for; refused when gone
    backorder,  // sold on when gone; orders wait for the restock
    bundle,     // made of plentiful ones
};

struct Article {
    std::string sku;
    std::string title;
    ArticleKind kind = ArticleKind::plentiful;
    std::int64_t stock = 0;   // on the shelf at the start; none of a bundle
    std::int64_t buffer = 0;  // kept back from the stores
    std::vector<std::pair<std::string, std::int64_t>> parts;
    bool asked_first = false;  // the warehouse is read before each promise, however fresh its mirror
};

struct Shop {
    std::string key;
    std::string domain;
};

struct Catalogue {
    std::vector<Shop> shops;
    std::vector<Article> articles;
    std::string warehouse = "main";

    [[nodiscard]] const Article* find(const std::string& sku) const;
    [[nodiscard]] std::vector<std::string> skus_of(ArticleKind kind) const;
};

// Big enough for that many orders, with scarce articles that some of them fight for.
Catalogue make_catalogue(std::int64_t orders, std::int64_t stores, std::uint64_t seed);
// One shirt, two stores.
Catalogue story_catalogue();

// What every store should show of each article when `fulfillable` lies in the warehouse: buffer kept back, bundles
// by their scarcest part, never below 0.
std::map<std::string, std::int64_t> shown_in_stores(
    const Catalogue& catalogue,
    const std::map<std::string, std::int64_t>& fulfillable);

struct WorldSettings {
    bool real_limits = false;
    // What setup says of the peers' limits where they are not the real ones.
    std::int64_t calls_per_minute = 60'000;
    std::int64_t points_per_second = 10'000;
    std::string channel_wait = "10s";  // how long orders wait for the stores
    bool ships = true;                 // the warehouse picks and ships by itself
    std::int64_t pick_after_ms = 800;
    std::int64_t ship_after_ms = 300;
    std::int64_t deliver_after_ms = 800;
    double split_fraction = 0;
    std::int64_t token_lifetime_s = 0;  // of the stores' tokens; 0: they never end
    std::string public_url;             // where webhooks shall arrive; empty: nobody watches that they do
};
// Body of POST /control/setup. Webhooks go nowhere yet.
nlohmann::json sandbox_setup(const Catalogue& catalogue, const WorldSettings& settings);

// The environment variable that holds a store's or a warehouse's secret; `what` is SECRET (signs its webhooks) or TOKEN.
std::string secret_variable(const std::string& what, const std::string& key);

struct SetupFiles {
    std::map<std::string, std::string> files;  // name → content; shop.toml names the others
    std::string worker_toml;
    std::map<std::string, std::string> secrets;  // environment of orchestrator and worker
    struct Client {
        std::string id, secret;
    };
    std::map<std::string, Client> clients;  // by store: who asks for its tokens, where they end
};
// `world` is the sandbox's answer to sandbox_setup(): its ids, addresses and secrets. Throws json::exception when that
// is not what docs/sandbox.md says.
SetupFiles setup_files(
    const Catalogue& catalogue,
    const nlohmann::json& world,
    const WorldSettings& settings,
    const std::string& go_live_at);

}  // namespace ordersaga::demo
