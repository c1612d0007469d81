#include "orchestrator/cli/setup_file.hpp"

#include "orchestrator/cli/csv.hpp"
#include "runtime/url.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

namespace ordersaga::cli {

namespace {

using runtime::ConfigFault;
using runtime::ConfigSection;
using runtime::Duration;
using namespace std::chrono_literals;

constexpr std::int64_t largest_quantity = 1'000'000'000;
constexpr std::size_t largest_file = 256 * 1024 * 1024;

bool is_key(std::string_view text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && text.size() <= 31 && plain(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-'; });
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.size() <= 19 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_printable(std::string_view text, std::size_t longest) {
    return text.size() <= longest && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
           });
}

bool is_reference(std::string_view text) {
    return (text.starts_with("env:") && text.size() > 4) || (text.starts_with("file:/") && text.size() > 6) ||
           (text.starts_with("credential:") && text.size() > 11);
}

bool is_shop_domain(std::string_view text) {
    constexpr std::string_view suffix = ".myshopify.com";
    if (!text.ends_with(suffix) || text.size() > 255) return false;
    const std::string_view name = text.substr(0, text.size() - suffix.size());
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && plain(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

bool is_api_version(std::string_view text) {
    return text.size() == 7 && text.starts_with("20") && is_digits(text.substr(2, 2)) && text[4] == '-' &&
           (text.ends_with("01") || text.ends_with("04") || text.ends_with("07") || text.ends_with("10"));
}

std::int64_t milliseconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string url_of(ConfigSection& section, const std::string& key, const std::string& text) {
    const runtime::Result<std::string> url = runtime::parse_base_url(text);
    if (!url) {
        section.fault(key, url.error().message);
        return {};
    }
    // Tokens travel in headers, addresses of customers in bodies: never in the clear off this machine.
    const runtime::Result<runtime::Url> parts = runtime::parse_url(*url);
    if (parts && !parts->tls && !runtime::is_loopback_host(parts->host)) {
        section.fault(key, "must be https, unless it is on this machine");
    }
    return *url;
}

std::string base_url_of(ConfigSection& section, const std::string& text) {
    return url_of(section, "base_url", text);
}

std::string reference_of(ConfigSection& section, std::string_view key) {
    std::string text = section.text(key);
    if (!text.empty() && !is_reference(text)) {
        section.fault(
            key, "must be a reference, env:NAME, file:/path or credential:NAME; secrets do not belong into the file");
    }
    return text;
}

std::vector<std::string> references_of(ConfigSection& section, std::size_t least, std::size_t most) {
    std::vector<std::string> references = section.texts("webhook_secret_refs");
    if (references.size() < least || references.size() > most) {
        section.fault(
            "webhook_secret_refs",
            "must have " + std::to_string(least) + " to " + std::to_string(most) + " references");
    }
    for (const std::string& reference : references) {
        if (!is_reference(reference))
            section.fault("webhook_secret_refs", "must be references, env:NAME, file:/path or credential:NAME");
    }
    return references;
}

std::string key_of(ConfigSection& section, std::set<std::string>& taken) {
    std::string key = section.text("key");
    if (key.empty()) return key;
    if (!is_key(key)) section.fault("key", "must be a-z, 0-9 and dashes, at most 31, not beginning with a dash");
    if (!taken.insert(key).second) section.fault("key", "is there twice");
    return key;
}

// Reads one setup file; faults collect in the reader (TOML) and in faults_ (CSV and what spans files).
class SetupReading {
public:
    SetupReading(runtime::ConfigReader reader, FileContent content_of)
        : reader_(std::move(reader)), content_of_(std::move(content_of)) {}

    SetupFile read() {
        read_merchant();
        read_warehouses();
        read_stores();
        ConfigSection files = reader_.section("files");
        read_skus(files);
        read_bundles(files);
        read_listings(files);
        read_opening_stock(files);
        SetupFile result;
        result.faults = reader_.finish();
        result.faults.insert(result.faults.end(), faults_.begin(), faults_.end());
        result.plan = std::move(plan_);
        return result;
    }

private:
    void read_merchant() {
        ConfigSection section = reader_.section("merchant");
        plan_.merchant = section.text("name");
        if (!is_printable(plan_.merchant, 100)) section.fault("name", "must be printable text of at most 100 bytes");
        if (const std::optional<std::string> url = section.optional_text("public_url"))
            public_url_ = url_of(section, "public_url", *url);
    }

    void read_warehouses() {
        for (ConfigSection& section : reader_.tables("warehouses")) {
            db::SetupPlan::Warehouse warehouse;
            warehouse.key = key_of(section, warehouse_keys_);
            warehouse.kind = section.choice("kind", "shipbob", {"shipbob"});
            warehouse.base_url = base_url_of(section, section.text("base_url", "https://api.shipbob.com"));
            warehouse.api_version = section.text("api_version", "2026-01");
            warehouse.channel_id = section.text("channel_id", "");
            warehouse.token_ref = reference_of(section, "token_ref");
            warehouse.webhook_secret_refs = references_of(section, 0, 2);
            warehouse.calls_per_minute = section.number("calls_per_minute", 150, 1, 1'000'000);
            warehouse.reading_lag_ms = milliseconds_of(section.duration("reading_lag", 5min, 0s, 24h));
            if (!is_api_version(warehouse.api_version)) section.fault("api_version", "must be like 2026-01");
            if (!is_printable(warehouse.channel_id, 100)) section.fault("channel_id", "must be printable text");
            if (!public_url_.empty()) warehouse.webhook_url = public_url_ + "/webhooks/shipbob/" + warehouse.key;
            plan_.warehouses.push_back(std::move(warehouse));
        }
    }

    void read_stores() {
        std::set<std::string> keys, domains;
        for (ConfigSection& section : reader_.tables("stores")) {
            db::SetupPlan::Store store;
            store.key = key_of(section, keys);
            store.shop_domain = section.text("shop_domain");
            if (!store.shop_domain.empty() && !is_shop_domain(store.shop_domain)) {
                section.fault("shop_domain", "must be like eu-shirts.myshopify.com, in lower case");
            }
            if (!domains.insert(store.shop_domain).second) section.fault("shop_domain", "is there twice");
            store.base_url = base_url_of(section, section.text("base_url", "https://" + store.shop_domain));
            store.api_version = section.text("api_version", "2026-07");
            if (!is_api_version(store.api_version)) section.fault("api_version", "must be like 2026-07");
            store.location_id = section.text("location_id");
            if (!store.location_id.empty() && !is_digits(store.location_id))
                section.fault("location_id", "must be the location's number, as text");
            store.token_ref = reference_of(section, "token_ref");
            store.webhook_secret_refs = references_of(section, 1, 2);
            read_store_rules(section, store);
            locations_[store.key] = store.location_id;
            if (!public_url_.empty()) store.webhook_url = public_url_ + "/webhooks/shopify";
            plan_.stores.push_back(std::move(store));
        }
    }

    void read_store_rules(ConfigSection& section, db::SetupPlan::Store& store) {
        const std::optional<runtime::Instant> go_live_at = section.optional_instant("go_live_at");
        if (!go_live_at)
            section.fault("go_live_at", "is required: orders made before it never start a saga (RFC 3339)");
        store.go_live_at = go_live_at.value_or(runtime::Instant{});
        store.mode = section.choice("mode", "live", {"observe", "live"});
        store.order_policy =
            section.choice("order_policy", "hold_and_tell", {"hold_and_tell", "cancel_and_refund", "backorder"});
        store.channel_wait_ms = milliseconds_of(section.duration("channel_wait", 10s, 0s, 1h));
        store.hold_expiry_ms = milliseconds_of(section.duration("hold_expiry", 72h, 1s, 24h * 60));
        store.points_per_second = section.number("points_per_second", 100, 1, 1'000'000);
        const std::string only = plan_.warehouses.size() == 1 ? plan_.warehouses[0].key : "";
        store.warehouse = only.empty() ? section.text("warehouse") : section.text("warehouse", only);
        if (!store.warehouse.empty() && !warehouse_keys_.contains(store.warehouse)) {
            section.fault("warehouse", "names no warehouse of this file");
        }
        read_ship_methods(section, store);
    }

    // The title "" stands for orders without a shipping line.
    static void read_ship_methods(ConfigSection& section, db::SetupPlan::Store& store) {
        std::set<std::string> titles;
        for (ConfigSection& method : section.tables("ship_methods")) {
            const std::optional<std::string> title = method.optional_text("title");
            if (!title) method.fault("title", "is required: a shipping line's title as the store shows it");
            if (title == "*")
                method.fault("title", "must be one title: there is no default, an unknown line waits for a person");
            if (title && !titles.insert(*title).second) method.fault("title", "is there twice");
            store.ship_methods.emplace_back(title.value_or(""), method.text("method"));
        }
    }

    void fault(const std::string& name, std::size_t line, std::string message) {
        faults_.push_back({name + ":" + std::to_string(line), std::move(message)});
    }

    // The rows of the CSV file that `key` names; none when the key is absent.
    std::vector<CsvRow> rows_of(
        ConfigSection& files,
        std::string_view key,
        const CsvColumns& columns,
        std::string& name) {
        const std::optional<std::string> path = files.optional_text(key);
        if (!path) return {};
        name = *path;
        const std::optional<std::string> text = content_of_(*path);
        if (!text || text->empty()) {
            files.fault(key, text ? "names an empty file" : "names a file that cannot be read");
            return {};
        }
        if (text->size() > largest_file) {
            files.fault(key, "names a file of more than 256 MiB");
            return {};
        }
        CsvTable table = parse_csv(*text, columns);
        for (CsvFault& broken : table.faults)
            fault(name, broken.line, std::move(broken.message));
        return std::move(table.rows);
    }

    std::int64_t number(
        const std::string& name,
        const CsvRow& row,
        std::string_view column,
        std::int64_t low,
        std::int64_t fallback) {
        const std::string& text = row.at(column);
        if (text.empty() && fallback >= low) return fallback;
        std::int64_t value = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (text.empty() || problem != std::errc{} || end != text.data() + text.size() || value < low ||
            value > largest_quantity) {
            fault(
                name, row.line,
                std::string(column) + " must be a whole number from " + std::to_string(low) + " to " +
                    std::to_string(largest_quantity));
            return low;
        }
        return value;
    }

    std::string choice(
        const std::string& name,
        const CsvRow& row,
        std::string_view column,
        const std::vector<std::string>& choices) {
        const std::string& text = row.at(column);
        if (text.empty()) return choices.front();
        if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
        std::string list;
        for (const std::string& one : choices)
            list += (list.empty() ? "" : ", ") + one;
        fault(name, row.line, std::string(column) + " must be one of " + list);
        return choices.front();
    }

    bool known_sku(const std::string& name, const CsvRow& row, std::string_view column) {
        if (skus_.contains(row.at(column))) return true;
        fault(name, row.line, std::string(column) + " '" + row.at(column) + "' is not among the SKUs");
        return false;
    }

    void read_skus(ConfigSection& files) {
        std::string name;
        for (const CsvRow& row : rows_of(files, "skus", columns_of_skus(), name)) {
            db::SetupPlan::Sku sku;
            sku.sku = row.at("sku");
            sku.title = row.at("title");
            sku.warehouse_item_id = row.at("warehouse_item_id");
            sku.policy = choice(name, row, "policy", {"deny", "backorder"});
            sku.reading = choice(name, row, "reading", {"trust-mirror", "ask-warehouse-first"});
            sku.buffer = number(name, row, "buffer", 0, 0);
            sku.low_at = number(name, row, "low_at", 0, 0);
            sku.discontinued = choice(name, row, "discontinued", {"false", "true"}) == "true";
            if (sku.sku.empty() || !is_printable(sku.sku, 255))
                fault(name, row.line, "sku must be printable text of 1 to 255 bytes");
            if (!is_printable(sku.title, 500))
                fault(name, row.line, "title must be printable text of at most 500 bytes");
            if (!is_printable(sku.warehouse_item_id, 100))
                fault(name, row.line, "warehouse_item_id must be printable text");
            if (!skus_.insert(sku.sku).second) fault(name, row.line, "sku '" + sku.sku + "' is there twice");
            plan_.skus.push_back(std::move(sku));
        }
    }

    void read_bundles(ConfigSection& files) {
        std::string name;
        std::set<std::pair<std::string, std::string>> parts;
        std::map<std::string, std::size_t> line_of_component;
        for (const CsvRow& row : rows_of(files, "bundles", {{"bundle_sku", "component_sku", "quantity"}, {}}, name)) {
            db::SetupPlan::BundlePart part{
                row.at("bundle_sku"), row.at("component_sku"), number(name, row, "quantity", 1, 0)};
            if (!known_sku(name, row, "bundle_sku") || !known_sku(name, row, "component_sku")) continue;
            if (!parts.emplace(part.bundle_sku, part.component_sku).second)
                fault(name, row.line, "this part of the bundle is there twice");
            bundles_.insert(part.bundle_sku);
            line_of_component.emplace(part.component_sku, row.line);
            plan_.bundles.push_back(std::move(part));
        }
        for (const auto& [component, line] : line_of_component) {
            if (bundles_.contains(component)) fault(name, line, "component '" + component + "' is itself a bundle");
        }
    }

    void read_listings(ConfigSection& files) {
        std::string name;
        std::set<std::pair<std::string, std::string>> variants, items;
        for (const CsvRow& row : rows_of(files, "listings", columns_of_listings(), name)) {
            db::SetupPlan::Listing listing{
                row.at("store"), row.at("sku"), row.at("variant_id"), row.at("inventory_item_id"),
                row.at("location_id")};
            const auto location = locations_.find(listing.store);
            if (location == locations_.end()) {
                fault(name, row.line, "store '" + listing.store + "' is not in this file");
                continue;
            }
            if (!known_sku(name, row, "sku")) continue;
            if (listing.location_id.empty()) listing.location_id = location->second;
            if (listing.location_id != location->second) {
                fault(name, row.line, "location_id must be the store's one online location, " + location->second);
            }
            if (!is_digits(listing.variant_id)) fault(name, row.line, "variant_id must be a number");
            if (!is_digits(listing.inventory_item_id)) fault(name, row.line, "inventory_item_id must be a number");
            if (!variants.emplace(listing.store, listing.variant_id).second)
                fault(name, row.line, "this variant_id is there twice");
            if (!items.emplace(listing.store, listing.inventory_item_id).second)
                fault(name, row.line, "this inventory_item_id is there twice");
            plan_.listings.push_back(std::move(listing));
        }
    }

    void read_opening_stock(ConfigSection& files) {
        std::string name;
        std::set<std::pair<std::string, std::string>> seen;
        for (const CsvRow& row : rows_of(files, "opening_stock", {{"sku", "quantity"}, {"warehouse"}}, name)) {
            db::SetupPlan::OpeningStock opening{
                row.at("sku"), row.at("warehouse"), number(name, row, "quantity", 0, -1)};
            if (!known_sku(name, row, "sku")) continue;
            if (bundles_.contains(opening.sku))
                fault(name, row.line, "a bundle has no stock of its own: give its components'");
            if (opening.warehouse.empty() && plan_.warehouses.size() == 1) opening.warehouse = plan_.warehouses[0].key;
            if (!warehouse_keys_.contains(opening.warehouse))
                fault(name, row.line, "warehouse '" + opening.warehouse + "' is not in this file");
            if (!seen.emplace(opening.sku, opening.warehouse).second) fault(name, row.line, "this SKU is there twice");
            plan_.opening_stock.push_back(std::move(opening));
        }
    }

    runtime::ConfigReader reader_;
    FileContent content_of_;
    db::SetupPlan plan_;
    std::string public_url_;  // of the public listener, as stores and warehouses reach it; empty: not told
    std::vector<ConfigFault> faults_;
    std::set<std::string> warehouse_keys_, skus_, bundles_;
    std::map<std::string, std::string> locations_;  // store key → location id
};

}  // namespace

const CsvColumns& columns_of_skus() {
    static const CsvColumns columns{
        {"sku"}, {"title", "warehouse_item_id", "policy", "reading", "buffer", "low_at", "discontinued"}};
    return columns;
}

const CsvColumns& columns_of_listings() {
    static const CsvColumns columns{{"store", "sku", "variant_id", "inventory_item_id"}, {"location_id"}};
    return columns;
}

SetupFile read_setup_file(const std::filesystem::path& file) {
    const FileContent content_of = [folder = file.parent_path()](const std::string& path) {
        std::optional<std::string> content;
        std::ifstream stream(folder / path, std::ios::binary);
        if (!stream) return content;
        content.emplace(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
        if (stream.bad()) content.reset();
        return content;
    };
    return SetupReading(runtime::ConfigReader::from_file(file, runtime::fixed_environment({})), content_of).read();
}

SetupFile read_setup_text(std::string_view toml, const FileContent& content_of) {
    return SetupReading(runtime::ConfigReader::from_text(toml, runtime::fixed_environment({})), content_of).read();
}

}  // namespace ordersaga::cli
