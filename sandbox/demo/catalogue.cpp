#include "sandbox/demo/catalogue.hpp"

#include "runtime/random.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

constexpr const char* colours[] = {"blue", "red", "green", "amber", "violet", "grey", "white", "black"};

Shop shop_number(std::int64_t index) {
    const auto count = static_cast<std::int64_t>(std::size(colours));
    const std::string key = index < count ? colours[index] : "store-" + std::to_string(index + 1);
    return {key, key + "-shirts.myshopify.com"};
}

std::string numbered(const std::string& name, std::int64_t number) {
    const std::string digits = std::to_string(number);
    return name + "-" + (digits.size() < 2 ? "0" : "") + digits;
}

std::string word_of(ArticleKind kind) {
    return kind == ArticleKind::backorder ? "backorder" : "deny";
}

std::string skus_csv(const Catalogue& catalogue, const json& products) {
    std::map<std::string, std::string> ids;
    for (const json& product : products)
        ids[product.at("sku")] = std::to_string(product.at("product_id").get<std::int64_t>());
    std::string text = "sku,title,warehouse_item_id,policy,reading,buffer,low_at\n";
    for (const Article& article : catalogue.articles) {
        text += article.sku + "," + article.title + "," + ids[article.sku] + "," + word_of(article.kind) +
                (article.asked_first ? ",ask-warehouse-first," : ",trust-mirror,") + std::to_string(article.buffer) +
                "," + (article.kind == ArticleKind::scarce ? "1" : "0") + "\n";
    }
    return text;
}

std::string bundles_csv(const Catalogue& catalogue) {
    std::string text = "bundle_sku,component_sku,quantity\n";
    for (const Article& article : catalogue.articles) {
        for (const auto& [part, quantity] : article.parts)
            text += article.sku + "," + part + "," + std::to_string(quantity) + "\n";
    }
    return text;
}

std::string opening_csv(const Catalogue& catalogue) {
    std::string text = "sku,quantity,warehouse\n";
    for (const Article& article : catalogue.articles) {
        if (article.kind == ArticleKind::bundle) continue;
        text += article.sku + "," + std::to_string(article.stock) + "," + catalogue.warehouse + "\n";
    }
    return text;
}

std::string listings_csv(const Catalogue& catalogue, const json& stores) {
    std::string text = "store,sku,variant_id,inventory_item_id\n";
    for (std::size_t index = 0; index < catalogue.shops.size(); ++index) {
        for (const json& level : stores.at(index).at("levels")) {
            text += catalogue.shops[index].key + "," + level.at("sku").get<std::string>() + "," +
                    level.at("variant_id").get<std::string>() + "," + level.at("inventory_item_id").get<std::string>() +
                    "\n";
        }
    }
    return text;
}

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}  // nothing in here needs an escape

std::string shop_toml(
    const Catalogue& catalogue,
    const json& world,
    const WorldSettings& settings,
    const std::string& go_live_at) {
    const json& depot = world.at("warehouses").at(0);
    std::string text =
        "[merchant]\nname = \"Demo Shirts\"\n" +
        (settings.public_url.empty() ? "" : "public_url = " + quoted(settings.public_url) + "\n") +
        "\n[[warehouses]]\nkey = " + quoted(catalogue.warehouse) +
        "\nkind = \"shipbob\"\nbase_url = " + quoted(depot.at("base_url")) +
        "\napi_version = \"2026-01\"\nchannel_id = \"" + std::to_string(depot.at("channel_id").get<std::int64_t>()) +
        "\"\ntoken_ref = \"env:" + secret_variable("TOKEN", catalogue.warehouse) +
        "\"\nwebhook_secret_refs = [\"env:" + secret_variable("SECRET", catalogue.warehouse) +
        "\"]\ncalls_per_minute = " + std::to_string(settings.real_limits ? 150 : settings.calls_per_minute) +
        "\nreading_lag = \"0s\"\n";
    for (std::size_t index = 0; index < catalogue.shops.size(); ++index) {
        const Shop& shop = catalogue.shops[index];
        const json& store = world.at("stores").at(index);
        text += "\n[[stores]]\nkey = " + quoted(shop.key) + "\nshop_domain = " + quoted(shop.domain) +
                "\nbase_url = " + quoted(store.at("base_url")) + "\napi_version = " + quoted(store.at("api_version")) +
                "\nlocation_id = " + quoted(store.at("locations").at(0).at("id")) +
                "\ntoken_ref = \"env:" + secret_variable("TOKEN", shop.key) +
                "\"\nwebhook_secret_refs = [\"env:" + secret_variable("SECRET", shop.key) +
                "\"]\ngo_live_at = " + quoted(go_live_at) +
                "\norder_policy = \"hold_and_tell\"\nchannel_wait = " + quoted(settings.channel_wait) +
                "\nwarehouse = " + quoted(catalogue.warehouse) +
                "\npoints_per_second = " + std::to_string(settings.real_limits ? 100 : settings.points_per_second) +
                "\n\n[[stores.ship_methods]]\ntitle = \"Standard\"\nmethod = \"Standard\"\n";
    }
    return text +
           "\n[files]\nskus = \"skus.csv\"\nbundles = \"bundles.csv\"\nlistings = \"listings.csv\"\nopening_stock = "
           "\"opening.csv\"\n";
}

// Tokens that end are in the database alone.
std::string worker_toml(const Catalogue& catalogue, const json& world, const WorldSettings& settings) {
    std::string text =
        "[broker]\nurl = \"env:ORDERSAGA_AMQP_URL\"\n\n[database]\ndsn = "
        "\"env:ORDERSAGA_WORKER_DSN\"\n\n[credentials]\n"
        "keys = \"env:ORDERSAGA_CREDENTIALS_KEYS\"\n";
    for (std::size_t index = 0; index < catalogue.shops.size(); ++index) {
        const json& store = world.at("stores").at(index);
        text += "\n[[stores]]\nkey = " + quoted(catalogue.shops[index].key) +
                "\nbase_url = " + quoted(store.at("base_url")) + "\napi_version = " + quoted(store.at("api_version")) +
                "\n";
        if (settings.token_lifetime_s == 0)
            text += "token = \"env:" + secret_variable("TOKEN", catalogue.shops[index].key) + "\"\n";
    }
    const json& depot = world.at("warehouses").at(0);
    return text + "\n[[warehouses]]\nkey = " + quoted(catalogue.warehouse) +
           "\nkind = \"shipbob\"\nbase_url = " + quoted(depot.at("base_url")) +
           "\napi_version = \"2026-01\"\nchannel_id = \"" + std::to_string(depot.at("channel_id").get<std::int64_t>()) +
           "\"\ntoken = \"env:" + secret_variable("TOKEN", catalogue.warehouse) + "\"\n";
}

}  // namespace

std::string secret_variable(const std::string& what, const std::string& key) {
    std::string name = "DEMO_" + what + "_";
    for (const char letter : key) {
        name.push_back(
            letter == '-'                    ? '_'
            : letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A')
                                             : letter);
    }
    return name;
}

const Article* Catalogue::find(const std::string& sku) const {
    const auto found =
        std::find_if(articles.begin(), articles.end(), [&](const Article& article) { return article.sku == sku; });
    return found == articles.end() ? nullptr : &*found;
}

std::vector<std::string> Catalogue::skus_of(ArticleKind kind) const {
    std::vector<std::string> skus;
    for (const Article& article : articles) {
        if (article.kind == kind) skus.push_back(article.sku);
    }
    return skus;
}

Catalogue make_catalogue(std::int64_t orders, std::int64_t stores, std::uint64_t seed) {
    runtime::SeededRandom random(seed);
    Catalogue catalogue;
    for (std::int64_t index = 0; index < stores; ++index)
        catalogue.shops.push_back(shop_number(index));
    const std::int64_t plenty = orders * 8 + 100;
    for (std::int64_t index = 1; index <= 8; ++index) {
        catalogue.articles.push_back(
            {numbered("SHIRT", index),
             "Shirt " + std::to_string(index),
             ArticleKind::plentiful,
             plenty,
             index == 8 ? 5 : 0,
             {},
             index == 7});
    }
    for (std::int64_t index = 1; index <= std::max<std::int64_t>(2, orders / 50); ++index) {
        const auto stock = 1 + static_cast<std::int64_t>(random.below(4));
        catalogue.articles.push_back(
            {numbered("LIMITED", index),
             "Limited edition " + std::to_string(index),
             ArticleKind::scarce,
             stock,
             0,
             {}});
    }
    for (std::int64_t index = 1; index <= 2; ++index) {
        catalogue.articles.push_back(
            {numbered("SOON", index),
             "Pre-order " + std::to_string(index),
             ArticleKind::backorder,
             1 + orders / 100,
             0,
             {}});
    }
    catalogue.articles.push_back(
        {"BUNDLE-A", "Two shirts", ArticleKind::bundle, 0, 0, {{"SHIRT-01", 1}, {"SHIRT-02", 1}}});
    catalogue.articles.push_back({"BUNDLE-B", "Three of a kind", ArticleKind::bundle, 0, 0, {{"SHIRT-03", 3}}});
    return catalogue;
}

Catalogue story_catalogue() {
    Catalogue catalogue;
    catalogue.shops = {shop_number(0), shop_number(1)};
    catalogue.articles = {{"T-SHIRT", "Popular T-Shirt", ArticleKind::scarce, 1, 0, {}}};
    return catalogue;
}

std::map<std::string, std::int64_t> shown_in_stores(
    const Catalogue& catalogue,
    const std::map<std::string, std::int64_t>& fulfillable) {
    const auto of = [&](const std::string& sku) {
        const auto found = fulfillable.find(sku);
        return found == fulfillable.end() ? std::int64_t{0} : found->second;
    };
    std::map<std::string, std::int64_t> shown;
    for (const Article& article : catalogue.articles) {
        std::int64_t units = of(article.sku);
        for (std::size_t index = 0; index < article.parts.size(); ++index) {
            const auto& [sku, quantity] = article.parts[index];
            const std::int64_t complete = of(sku) / quantity;
            units = index == 0 ? complete : std::min(units, complete);
        }
        shown[article.sku] = std::max<std::int64_t>(0, units - article.buffer);
    }
    return shown;
}

json sandbox_setup(const Catalogue& catalogue, const WorldSettings& settings) {
    std::map<std::string, std::int64_t> shelf;
    json products = json::array();
    for (const Article& article : catalogue.articles) {
        if (article.kind == ArticleKind::bundle) continue;
        shelf[article.sku] = article.stock;
        products.push_back({{"sku", article.sku}, {"name", article.title}, {"on_hand", article.stock}});
    }
    json variants = json::array();
    for (const auto& [sku, units] : shown_in_stores(catalogue, shelf)) {
        variants.push_back({{"sku", sku}, {"title", catalogue.find(sku)->title}, {"stock", units}});
    }
    json stores = json::array();
    for (const Shop& shop : catalogue.shops) {
        json store = {{"domain", shop.domain}, {"variants", variants}};
        if (!settings.real_limits) {
            store["bucket_points"] = 20 * settings.points_per_second;
            store["restore_points_per_second"] = settings.points_per_second;
        }
        if (settings.token_lifetime_s > 0) store["token_lifetime_s"] = settings.token_lifetime_s;
        stores.push_back(std::move(store));
    }
    json depot = {
        {"name", catalogue.warehouse},
        {"products", std::move(products)},
        {"ships_by_itself", settings.ships},
        {"pick_after_ms", settings.pick_after_ms},
        {"ship_after_ms", settings.ship_after_ms},
        {"deliver_after_ms", settings.deliver_after_ms},
        {"split_fraction", settings.split_fraction},
        {"rate_limit_per_minute", settings.real_limits ? 150 : 0},
    };
    return {{"stores", std::move(stores)}, {"warehouses", json::array({std::move(depot)})}};
}

SetupFiles setup_files(
    const Catalogue& catalogue,
    const json& world,
    const WorldSettings& settings,
    const std::string& go_live_at) {
    SetupFiles result;
    const json& depot = world.at("warehouses").at(0);
    result.files["shop.toml"] = shop_toml(catalogue, world, settings, go_live_at);
    result.files["skus.csv"] = skus_csv(catalogue, depot.at("products"));
    result.files["bundles.csv"] = bundles_csv(catalogue);
    result.files["listings.csv"] = listings_csv(catalogue, world.at("stores"));
    result.files["opening.csv"] = opening_csv(catalogue);
    result.worker_toml = worker_toml(catalogue, world, settings);
    for (std::size_t index = 0; index < catalogue.shops.size(); ++index) {
        const json& store = world.at("stores").at(index);
        result.secrets[secret_variable("TOKEN", catalogue.shops[index].key)] = store.at("access_token");
        result.secrets[secret_variable("SECRET", catalogue.shops[index].key)] = store.at("secret");
        if (settings.token_lifetime_s > 0)
            result.clients[catalogue.shops[index].key] = {store.at("client_id"), store.at("secret")};
    }
    result.secrets[secret_variable("TOKEN", catalogue.warehouse)] = depot.at("access_token");
    result.secrets[secret_variable("SECRET", catalogue.warehouse)] = depot.at("webhook_secret");
    return result;
}

}  // namespace ordersaga::demo
