// `sagactl connect shipbob`.
#include "orchestrator/cli/connect_report.hpp"
#include "orchestrator/cli/connect_verbs.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/lenient_json.hpp"
#include "orchestrator/cli/peer_calls.hpp"
#include "orchestrator/cli/setup_file.hpp"
#include "orchestrator/cli/warehouse_answers.hpp"
#include "runtime/json.hpp"
#include "runtime/text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

// What ShipBob takes as a webhook's secret of ours.
bool is_webhook_secret(const std::string& secret) {
    constexpr std::string_view prefix = "whsec_";
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    };
    return secret.starts_with(prefix) && secret.size() == prefix.size() + 32 &&
           std::all_of(secret.begin() + prefix.size(), secret.end(), is_letter);
}

class WarehouseConnection {
public:
    WarehouseConnection(Context& context, const ConnectArguments& arguments)
        : context_(context),
          arguments_(arguments),
          session_(open_engine_database(context, "connect")),
          opened_(open_peer(context, session_, "warehouse:" + arguments.key, arguments.merchant)),
          calls_(opened_),
          report_(opened_.peer.key.subject, arguments.dry_run) {}

    ExitCode run() {
        check_channel();
        list_locations();
        check_ship_methods();
        check_webhooks();
        propose();
        if (!arguments_.dry_run && report_.has_changes()) note();
        return report_.show(context_);
    }

private:
    const db::Peer& peer() const { return opened_.peer; }

    // Only a channel of our own is writable, and a token has one of these.
    void check_channel() {
        const std::vector<Channel> channels = channels_of(calls_.get_all("channel"));
        json rows = json::array();
        for (const Channel& channel : channels)
            rows.push_back({{"id", channel.id}, {"name", channel.name}, {"scopes", channel.scopes}});
        const Channel* ours = writable_channel(channels, peer().channel_id);
        report_.found(
            "channels", std::move(rows),
            ours == nullptr ? "the token is good; it has no channel to write to"
                            : "the token is good; its channel: " + ours->id + " " + ours->name);
        if (ours == nullptr) {
            report_.problem("the token has no channel with orders_write: make it as the account's root user");
            return;
        }
        if (ours->id != peer().channel_id)
            report_.problem("set channel_id = \"" + ours->id + "\" of this warehouse in the setup file");
        const std::vector<std::string> missing = missing_scopes(ours->scopes, !peer().webhook_url.empty());
        if (!missing.empty()) report_.problem("the token lacks these scopes: " + runtime::joined(missing));
    }

    void list_locations() {
        json rows = json::array();
        std::string names;
        for (const json& location : calls_.get_all("location")) {
            const std::string name = text_of(member(location, "name"));
            rows.push_back({{"id", id_of(member(location, "id"))}, {"name", name}});
            names += (names.empty() ? "" : ", ") + name;
        }
        report_.found("locations", std::move(rows), "locations: " + (names.empty() ? "none" : names));
    }

    // A method that the warehouse does not know is no error there: it would be made up, and shipped as Standard.
    void check_ship_methods() {
        const std::vector<std::string> methods = active_ship_methods(calls_.get_all("shipping-method"));
        std::vector<db::KnownShipMethod> used;
        session_.transact(
            [&](db::Transaction& transaction) { used = db::known_ship_methods(transaction, peer().key); });
        json rows = json::array();
        for (const db::KnownShipMethod& one : used) {
            const bool known = std::find(methods.begin(), methods.end(), one.method) != methods.end();
            rows.push_back({{"store", one.store}, {"title", one.title}, {"method", one.method}, {"known", known}});
            if (!known)
                report_.problem(
                    "store " + one.store + " sends '" + one.title + "' by '" + one.method +
                    "', which the warehouse does not have");
        }
        report_.found(
            "ship_methods", {{"of_the_warehouse", methods}, {"mapped", std::move(rows)}},
            "ship methods: " + (methods.empty() ? "none" : runtime::joined(methods)) + "; " +
                std::to_string(used.size()) + " shipping lines of stores are mapped to them");
    }

    void check_webhooks() {
        if (peer().webhook_url.empty()) {
            report_.found("webhooks", nullptr, "webhooks: not looked at; orders are polled");
            report_.problem(
                "set public_url in [merchant] of the setup file: without it nobody looks after the webhooks");
            return;
        }
        const WarehouseWebhookPlan plan = compare_webhooks(calls_.get_all("webhook"), peer().webhook_url);
        report_.found(
            "webhooks", {{"address", peer().webhook_url}, {"fault", plan.fault}},
            "webhooks to " + peer().webhook_url + ": " + (plan.create ? plan.fault : "in place"));
        if (plan.create) make_webhook(plan);
    }

    std::optional<std::string> webhook_secret() {
        std::string secret;
        try {
            secret = secret_behind(context_.world, peer().webhook_secret_refs.front(), "the webhook secret");
        } catch (const CliError& fault) {
            report_.problem(fault.what());  // the rest can be looked at all the same
            return std::nullopt;
        }
        if (is_webhook_secret(secret)) return secret;
        report_.problem("the webhook secret must be whsec_ and 32 letters, digits, + or /");
        return std::nullopt;
    }

    void make_webhook(const WarehouseWebhookPlan& plan) {
        if (peer().webhook_secret_refs.empty()) {
            report_.problem(
                "set webhook_secret_refs of this warehouse in the setup file: its webhooks are signed with it");
            return;
        }
        const std::optional<std::string> secret = webhook_secret();
        if (!secret) return;
        // The new one first: what both would tell is told once all the same.
        std::string refusal;
        if (!arguments_.dry_run)
            refusal = calls_.post(
                "webhook", {{"topics", warehouse_topics()},
                            {"url", peer().webhook_url},
                            {"description", "ordersaga"},
                            {"secret", *secret}});
        if (!refusal.empty()) {
            report_.problem("the warehouse refuses the webhook: " + refusal);
            return;
        }
        report_.changed("webhook created: " + runtime::joined(warehouse_topics()));
        for (const std::string& id : plan.remove) {
            if (!arguments_.dry_run) refusal = calls_.remove("webhook/" + id);
            if (refusal.empty())
                report_.changed("webhook " + id + " deleted");
            else
                report_.problem("webhook " + id + " is of no use any more, and cannot be deleted: " + refusal);
        }
    }

    void propose() {
        std::map<std::string, std::string> known;
        std::set<std::string> not_stocked;
        session_.transact([&](db::Transaction& transaction) {
            known.clear();
            for (const db::KnownSku& sku : db::known_skus(transaction, peer().key.merchant)) {
                if (sku.stocked)
                    known[sku.sku] = sku.warehouse_item_id;
                else
                    not_stocked.insert(sku.sku);
            }
        });
        std::optional<GoodsFile> skus;
        if (!arguments_.folder.empty()) {
            skus.emplace(std::filesystem::path(arguments_.folder) / "skus.csv", columns_of_skus());
            for (const CsvRow& row : skus->rows())
                if (!not_stocked.contains(row.at("sku"))) known[row.at("sku")] = row.at("warehouse_item_id");
        }
        const std::vector<WarehouseItem> items = items_of(calls_.get_all("product?PageSize=250"));
        const WarehouseProposals proposals = propose_numbers(items, known);
        report_.found(
            "items",
            {{"count", items.size()},
             {"in_place", proposals.in_place},
             {"not_ours", proposals.not_ours},
             {"proposed", proposals.numbers}},
            "items: " + std::to_string(items.size()) + "; of our SKUs " + std::to_string(proposals.in_place) +
                " have their number, " + std::to_string(proposals.numbers.size()) + " can have one, " +
                std::to_string(proposals.decisions.size()) + " to be decided");
        report_.decisions(proposals.decisions);
        if (skus) fill(*skus, proposals.numbers);
    }

    void fill(GoodsFile& skus, const std::map<std::string, std::string>& numbers) {
        std::size_t filled = 0;
        for (std::size_t row = 0; row < skus.rows().size(); ++row) {
            const auto number = numbers.find(skus.rows()[row].at("sku"));
            if (number == numbers.end()) continue;
            skus.set(row, "warehouse_item_id", number->second);
            ++filled;
        }
        if (!arguments_.dry_run) skus.write();
        if (filled > 0) report_.added(skus, filled);
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
    const WarehouseCalls calls_;
    ConnectReport report_;
};

}  // namespace

ExitCode connect_shipbob_verb(Context& context, const ConnectArguments& arguments) {
    return WarehouseConnection(context, arguments).run();
}

}  // namespace ordersaga::cli
