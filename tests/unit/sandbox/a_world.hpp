// A small world for the tests: one shop with two SKUs, one warehouse, at a fixed instant.
#pragma once

#include "sandbox/control_api.hpp"
#include "sandbox/world.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <sstream>
#include <string>

namespace ordersaga::sandbox {

inline const runtime::Instant noon{std::chrono::hours{24 * 20'000 + 12}};

inline runtime::Instant at_ms(std::int64_t milliseconds) {
    return noon + std::chrono::milliseconds{milliseconds};
}

struct SmallWorld {
    SmallWorld() : world(7), control(world) {
        StoreSettings settings;
        settings.domain = "blue.myshopify.com";
        settings.secret = "hush";
        settings.access_token = "shpat_blue";
        shop = world.add_shop(settings);
        shop->store.add_location("Shop location");
        ShopVariant shirt;
        shirt.sku = shirt.title = "SHIRT";
        shirt.price_cents = 1999;
        shop->store.add_variant(shirt, 5, noon);
        ShopVariant mug;
        mug.sku = mug.title = "MUG";
        mug.price_cents = 500;
        shop->store.add_variant(mug, 9, noon);

        WarehouseSettings warehouse;
        warehouse.name = "main";
        warehouse.access_token = "pat-main";
        warehouse.rate_limit_per_minute = 0;
        warehouse.webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        depot = world.add_depot(warehouse);
        depot->warehouse.add_product("SHIRT", "Shirt", 5);
        depot->warehouse.add_product("MUG", "Mug", 9);
    }

    std::int64_t order(
        const std::string& sku,
        std::int64_t quantity,
        bool oversell = false,
        runtime::Instant now = noon) {
        WantedOrder wanted;
        wanted.lines.push_back({sku, quantity, false});
        wanted.oversell = oversell;
        const auto made = shop->store.create_order(wanted, now);
        const auto* id = std::get_if<std::int64_t>(&made);
        return id == nullptr ? 0 : *id;
    }

    const ShopLevel& level(const std::string& sku) {
        const auto* variant = shop->store.variant_by_sku(sku);
        return *shop->store.level(variant->inventory_item_id, shop->store.locations().front().id);
    }

    nlohmann::json graphql(
        const std::string& query,
        const nlohmann::json& variables = nlohmann::json::object(),
        runtime::Instant now = noon,
        const std::string& version = "2026-07") {
        const nlohmann::json body{{"query", query}, {"variables", variables}};
        const PeerAnswer answer = shop->admin.handle(version, "shpat_blue", body.dump(), now);
        return nlohmann::json::parse(answer.body);
    }

    PeerAnswer shipbob(
        const std::string& method,
        const std::string& path,
        const std::string& body = "",
        runtime::Instant now = noon) {
        ShipbobRequest request;
        request.method = method;
        request.authorization = "Bearer pat-main";
        request.channel = "128944";
        request.body = body;
        const auto question = path.find('?');
        request.path = "/2026-01" + path.substr(0, question);
        if (question != std::string::npos) {
            std::istringstream query(path.substr(question + 1));
            for (std::string part; std::getline(query, part, '&');)
                request.query.emplace_back(part.substr(0, part.find('=')), part.substr(part.find('=') + 1));
        }
        return depot->api.handle(request, now);
    }

    std::string warehouse_order(const std::string& reference, const std::string& sku, std::int64_t quantity) {
        const auto* product = depot->warehouse.product_by_sku(sku);
        return nlohmann::json{
            {"reference_id", reference},
            {"shipping_method", "Standard"},
            {"type", "DTC"},
            {"recipient",
             {{"name", "Ada"}, {"address", {{"address1", "1 Elm St"}, {"city", "York"}, {"country", "US"}}}}},
            {"products", nlohmann::json::array({{{"id", product->product_id}, {"quantity", quantity}}})},
        }
            .dump();
    }

    World world;
    ControlApi control;
    Shop* shop = nullptr;
    Depot* depot = nullptr;
};

}  // namespace ordersaga::sandbox
