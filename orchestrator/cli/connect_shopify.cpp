// `sagactl connect shopify`.
#include "orchestrator/cli/connect_report.hpp"
#include "orchestrator/cli/connect_verbs.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/lenient_json.hpp"
#include "orchestrator/cli/peer_calls.hpp"
#include "orchestrator/cli/setup_file.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/credentials/store_tokens.hpp"
#include "runtime/json.hpp"
#include "runtime/text.hpp"
#include "sagas/subscriptions.hpp"

#include <optional>
#include <set>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

constexpr int variants_per_call = 100;
constexpr int others_per_call = 100;
constexpr std::size_t longest_title = 500;

constexpr std::string_view scopes_text = "query GrantedScopes { currentAppInstallation { accessScopes { handle } } }";

constexpr std::string_view locations_text = R"(query Locations($first: Int!, $after: String) {
  locations(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id name isActive fulfillsOnlineOrders }
  }
})";

constexpr std::string_view variants_text = R"(query Variants($first: Int!, $after: String, $locationId: ID!) {
  productVariants(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      sku
      displayName
      product { status }
      inventoryItem { id tracked requiresShipping inventoryLevel(locationId: $locationId) { isActive } }
    }
  }
})";

std::string number_of_gid(const json& gid) {
    const std::string text = text_of(gid);
    return text.substr(text.rfind('/') + 1);
}

// A title that setup would refuse is left out: it is for people only.
std::string title_of(const json& variant) {
    std::string title = printable(text_of(member(variant, "displayName")));
    return title.size() <= longest_title ? title : std::string();
}

class StoreConnection {
public:
    StoreConnection(Context& context, const ConnectArguments& arguments)
        : context_(context),
          arguments_(arguments),
          session_(open_engine_database(context, "connect")),
          opened_(open_peer(context, session_, "store:" + arguments.key, arguments.merchant)),
          calls_(opened_),
          report_(opened_.peer.key.subject, arguments.dry_run) {}

    ExitCode run() {
        check_scopes();
        check_locations();
        check_subscriptions();
        propose();
        if (!arguments_.dry_run && report_.has_changes()) note();
        return report_.show(context_);
    }

private:
    const db::Peer& peer() const { return opened_.peer; }

    void check_scopes() {
        std::vector<std::string> granted;
        const json installation = calls_.ask("currentAppInstallation", scopes_text, json::object());
        for (const json& scope : member(installation, "accessScopes"))
            granted.push_back(text_of(member(scope, "handle")));
        const std::vector<std::string> missing = credentials::missing_scopes(granted);
        report_.found(
            "scopes", {{"granted", granted}, {"missing", missing}},
            "the token is good; scopes: " +
                (missing.empty() ? "all that are needed" : "missing " + runtime::joined(missing)));
        if (!missing.empty())
            report_.problem("give the app these scopes and let the store approve them: " + runtime::joined(missing));
        if (arguments_.dry_run || !peer().has_credential) return;
        session_.transact(
            [&](db::Transaction& transaction) { db::note_scopes(transaction, peer().key, granted, missing); });
    }

    void check_locations() {
        json rows = json::array();
        std::string names;
        const json* ours = nullptr;
        for (const json& location : calls_.ask_for_all("locations", locations_text, json::object(), others_per_call)) {
            const std::string id = number_of_gid(member(location, "id"));
            const std::string name = text_of(member(location, "name"));
            rows.push_back(
                {{"id", id},
                 {"name", name},
                 {"active", member(location, "isActive")},
                 {"ships_online_orders", member(location, "fulfillsOnlineOrders")},
                 {"ours", id == peer().location_id}});
            names += (names.empty() ? "" : ", ") + id + " " + name + (id == peer().location_id ? " (ours)" : "");
        }
        for (const json& row : rows)
            if (row.at("ours") == true) ours = &row;
        if (ours == nullptr)
            report_.problem(
                "the store has no location " + peer().location_id + ": set location_id to one of those above");
        else if (ours->at("active") != true || ours->at("ships_online_orders") != true)
            report_.problem("location " + peer().location_id + " is not active, or ships no online orders");
        report_.found("locations", std::move(rows), "locations: " + (names.empty() ? "none" : names));
    }

    void check_subscriptions() {
        if (peer().webhook_url.empty()) {
            report_.found("subscriptions", nullptr, "webhook subscriptions: not looked at");
            report_.problem(
                "set public_url in [merchant] of the setup file: without it nobody looks after the webhooks");
            return;
        }
        std::vector<sagas::Subscription> present;
        for (const json& node : calls_.ask_for_all(
                 "webhookSubscriptions", sagas::list_subscriptions_text, json::object(), others_per_call))
            present.push_back(sagas::subscription_of_node(node));
        const sagas::SubscriptionPlan plan =
            sagas::compare_subscriptions(present, peer().webhook_url, peer().api_version);
        report_.found(
            "subscriptions",
            {{"address", peer().webhook_url}, {"faults", plan.faults}, {"other_versions", plan.other_versions}},
            "webhook subscriptions to " + peer().webhook_url + ": " +
                (plan.faults.empty() ? "all in place" : runtime::joined(plan.faults)));
        for (const std::string& text : plan.other_versions)
            report_.problem("webhook " + text + ": set this version in the app's configuration");
        repair(plan);
    }

    void repair(const sagas::SubscriptionPlan& plan) {
        for (const sagas::Subscription& old : plan.remove) {
            if (!arguments_.dry_run)
                calls_.change("webhookSubscriptionDelete", sagas::delete_subscription_text, {{"id", old.id}});
            report_.changed("subscription " + sagas::shown_topic(old.topic) + " to " + old.uri + " deleted");
        }
        for (const std::string& topic : plan.create) {
            std::string refusal;
            if (!arguments_.dry_run)
                refusal = calls_.change(
                    "webhookSubscriptionCreate", sagas::create_subscription_text,
                    {{"topic", topic}, {"webhookSubscription", {{"uri", peer().webhook_url}}}});
            if (refusal.empty())
                report_.changed("subscription " + sagas::shown_topic(topic) + " created");
            else
                report_.problem("the store refuses the subscription " + sagas::shown_topic(topic) + ": " + refusal);
        }
    }

    std::vector<Variant> variants() const {
        std::vector<Variant> variants;
        const json variables{{"locationId", "gid://shopify/Location/" + peer().location_id}};
        for (const json& node : calls_.ask_for_all("productVariants", variants_text, variables, variants_per_call)) {
            const json& item = member(node, "inventoryItem");
            Variant variant;
            variant.variant_id = number_of_gid(member(node, "id"));
            variant.inventory_item_id = number_of_gid(member(item, "id"));
            variant.sku = text_of(member(node, "sku"));
            variant.title = title_of(node);
            variant.tracked = member(item, "tracked") == true;
            variant.shipped = member(item, "requiresShipping") == true;
            variant.stocked = member(member(item, "inventoryLevel"), "isActive") == true;
            variant.archived = text_of(member(member(node, "product"), "status")) == "ARCHIVED";
            variants.push_back(std::move(variant));
        }
        return variants;
    }

    KnownGoods known_goods() {
        KnownGoods known;
        session_.transact([&](db::Transaction& transaction) {
            known = KnownGoods{};
            for (const db::KnownSku& sku : db::known_skus(transaction, peer().key.merchant))
                known.skus.insert(sku.sku);
            for (const db::KnownListing& listing : db::known_listings(transaction, peer().key)) {
                known.skus.insert(listing.sku);
                known.sku_of_variant[listing.variant_id] = listing.sku;
            }
        });
        return known;
    }

    void propose() {
        KnownGoods known = known_goods();
        const std::set<std::string> in_database = known.skus;
        std::optional<GoodsFile> skus, listings;
        if (!arguments_.folder.empty()) {
            const std::filesystem::path folder(arguments_.folder);
            skus.emplace(folder / "skus.csv", columns_of_skus());
            listings.emplace(folder / "listings.csv", columns_of_listings());
            for (const CsvRow& row : skus->rows())
                known.skus.insert(row.at("sku"));
            for (const CsvRow& row : listings->rows())
                if (row.at("store") == arguments_.key) known.sku_of_variant[row.at("variant_id")] = row.at("sku");
        }
        const std::vector<Variant> shown = variants();
        const StoreProposals proposals = propose_listings(shown, known);
        tell(shown.size(), proposals);
        if (skus) add_to(*skus, *listings, proposals.listings, in_database);
    }

    void tell(std::size_t count, const StoreProposals& proposals) {
        json rows = json::array();
        for (const Variant& variant : proposals.listings)
            rows.push_back(
                {{"sku", variant.sku},
                 {"variant_id", variant.variant_id},
                 {"inventory_item_id", variant.inventory_item_id},
                 {"title", variant.title}});
        report_.found(
            "variants",
            {{"count", count},
             {"in_place", proposals.in_place},
             {"passed_over", proposals.passed_over},
             {"proposed", std::move(rows)}},
            "variants: " + std::to_string(count) + ", listed " + std::to_string(proposals.in_place) + ", proposed " +
                std::to_string(proposals.listings.size()) + ", to be decided " +
                std::to_string(proposals.decisions.size()) + ", archived or never sent " +
                std::to_string(proposals.passed_over));
        report_.decisions(proposals.decisions);
    }

    // Setup takes what it is not told for the default: a row for a SKU whose settings stand in some other file would undo them.
    void add_to(
        GoodsFile& skus,
        GoodsFile& listings,
        const std::vector<Variant>& proposed,
        const std::set<std::string>& in_database) {
        std::set<std::string> there;
        for (const CsvRow& row : skus.rows())
            there.insert(row.at("sku"));
        std::size_t new_skus = 0, new_listings = 0;
        for (const Variant& variant : proposed) {
            if (!there.contains(variant.sku) && in_database.contains(variant.sku)) {
                report_.decisions(
                    {{variant.sku, variant.variant_id, variant.title,
                      "the database has this SKU, " + skus.path().string() +
                          " does not: is it the file that setup reads?"}});
                continue;
            }
            if (there.insert(variant.sku).second) {
                skus.add({{"sku", variant.sku}, {"title", variant.title}});
                ++new_skus;
            }
            listings.add(
                {{"store", arguments_.key},
                 {"sku", variant.sku},
                 {"variant_id", variant.variant_id},
                 {"inventory_item_id", variant.inventory_item_id}});
            ++new_listings;
        }
        if (!arguments_.dry_run) {
            skus.write();
            listings.write();
        }
        if (new_skus > 0) report_.added(skus, new_skus);
        if (new_listings > 0) report_.added(listings, new_listings);
    }

    void note() {
        session_.transact([&](db::Transaction& transaction) {
            db::note_connection(
                transaction, peer().key, actor_of(context_.world), arguments_.reason,
                runtime::dump_json({{"changes", report_.changes()}}));
        });
    }

    Context& context_;
    const ConnectArguments& arguments_;
    db::Session session_;
    const OpenedPeer opened_;
    const StoreCalls calls_;
    ConnectReport report_;
};

}  // namespace

ExitCode connect_shopify_verb(Context& context, const ConnectArguments& arguments) {
    return StoreConnection(context, arguments).run();
}

}  // namespace ordersaga::cli
