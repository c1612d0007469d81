#include "orchestrator/cli/doctor_verb.hpp"

#include "broker/inspect.hpp"
#include "db/startup_checks.hpp"
#include "orchestrator/cli/answers.hpp"
#include "orchestrator/cli/doctor.hpp"
#include "orchestrator/cli/foreign_orders.hpp"
#include "runtime/json.hpp"
#include "runtime/sealing.hpp"

#include <nlohmann/json.hpp>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <ostream>

namespace ordersaga::cli {
namespace {

using nlohmann::json;

constexpr auto looks_back = std::chrono::hours(24 * 7);

const char* name_of(Verdict verdict) {
    static constexpr std::array names{"good", "warning", "bad"};
    return names[static_cast<std::size_t>(verdict)];
}

class Doctor {
public:
    Doctor(Context& context, const DoctorArguments& arguments)
        : context_(context),
          arguments_(arguments),
          session_({required(context.settings.engine_dsn, "engine_dsn"), "sagactl-doctor"}) {}

    Checks examine() {
        const bool reachable = look("database", [this] { return look_at_settings(); });
        if (reachable) {
            look("system", [this] { return look_at_system(); });
            if (!arguments_.quick) look("laws", [this] { return judge_laws(db::verify(session_)); });
            if (!arguments_.quick) look("other channels", [this] { return look_at_warehouses(); });
        }
        look("queues", [this] { return look_at_broker(); });
        for (const std::string& path : arguments_.disks)
            look("disk " + path, [&path] { return look_at_disk(path); });
        return std::move(checks_);
    }

private:
    // False: it could not be looked at, which is bad enough.
    bool look(const std::string& name, const std::function<Checks()>& at) {
        try {
            for (Check& check : at())
                checks_.push_back(std::move(check));
            return true;
        } catch (const std::exception& fault) {
            checks_.push_back({name, Verdict::bad, std::string("cannot be looked at: ") + fault.what(), ""});
            return false;
        }
    }

    Checks look_at_settings() {
        db::Connection connection({*context_.settings.engine_dsn, "sagactl-doctor"});
        return judge_settings(db::startup_faults(connection));
    }

    Checks look_at_system() {
        db::SystemHealth health;
        const runtime::Instant before = runtime::SystemClock().now();
        session_.transact([&](db::Transaction& transaction) { health = db::read_health(transaction); });
        const runtime::Instant after = runtime::SystemClock().now();
        Checks checks{judge_clock(before, health.database_time, after), judge_orchestrators(health)};
        for (const Checks& more : {judge_credentials(health), judge_scopes(health), judge_subscriptions(health)})
            checks.insert(checks.end(), more.begin(), more.end());
        checks.push_back(judge_incidents(health));
        return checks;
    }

    Checks look_at_warehouses() {
        std::vector<db::CalledWarehouse> warehouses;
        session_.transact([&](db::Transaction& transaction) { warehouses = db::called_warehouses(transaction); });
        Checks checks;
        for (const db::CalledWarehouse& warehouse : warehouses) {
            WarehouseLook look = look_at_warehouse(warehouse);
            const bool alone = warehouse.merchant_name == warehouses.front().merchant_name &&
                               warehouse.merchant_name == warehouses.back().merchant_name;
            look.warehouse = warehouse.key.subject + (alone ? "" : " of " + warehouse.merchant_name);
            checks.push_back(judge_other_channels(look));
        }
        return checks;
    }

    WarehouseLook look_at_warehouse(const db::CalledWarehouse& warehouse) {
        WarehouseLook look;
        try {
            const StandingOrders standing =
                fetch_standing_orders(warehouse, token_of(warehouse), runtime::SystemClock().now() - looks_back);
            look.unread = standing.unread;
            look.all = standing.all;
            look.looked_at = static_cast<std::int64_t>(standing.orders.size());
            session_.transact([&](db::Transaction& transaction) {
                look.foreign =
                    db::foreign_orders(transaction, warehouse.key.merchant, warehouse.warehouse_id, standing.orders);
            });
        } catch (const CliError& fault) {
            look.unread = fault.what();
        } catch (const runtime::ErrorException& fault) {
            look.unread = fault.what();
        }
        return look;
    }

    // Throws CliError, or runtime::ErrorException for one that does not open.
    std::string token_of(const db::CalledWarehouse& warehouse) {
        if (!warehouse.has_credential)
            return secret_behind(context_.world, warehouse.token_ref, "the token of " + warehouse.key.subject);
        const runtime::Result<runtime::KeyRing> ring =
            runtime::KeyRing::parse(required(context_.settings.credentials_keys, "credentials_keys"));
        if (!ring) throw CliError(ExitCode::usage, "ORDERSAGA_CREDENTIALS_KEYS: " + ring.error().message);
        std::optional<std::string> token;
        session_.transact(
            [&](db::Transaction& transaction) { token = db::access_token(transaction, *ring, warehouse.key); });
        if (!token) throw CliError(ExitCode::refused, "its credential has no token in force");
        return *token;
    }

    Checks look_at_broker() {
        const Settings& settings = context_.settings;
        if (!settings.amqp_url)
            return {
                {"queues", Verdict::warning, "not looked at: nothing tells where the broker is",
                 "set ORDERSAGA_AMQP_URL, or amqp_url in the file of --config"}};
        broker::AddressOptions options;
        options.ca_file = settings.amqp_ca_file.value_or("");
        const runtime::Result<broker::Address> address = broker::parse_address(*settings.amqp_url, options);
        if (!address) return {{"queues", Verdict::bad, address.error().message, "mend ORDERSAGA_AMQP_URL"}};
        broker::TopologyOptions topology;
        topology.prefix = settings.amqp_prefix.value_or("");
        topology.outcome_shards = settings.engine_shards;
        const auto seen = broker::look_at_queues(*address, broker::make_topology(topology));
        if (!seen) return {{"queues", Verdict::bad, seen.error().message, "systemctl status rabbitmq-server"}};
        return judge_queues(*seen, broker::Names(topology.prefix).dead_queue());
    }

    static Checks look_at_disk(const std::string& path) {
        struct statvfs found {};
        if (::statvfs(path.c_str(), &found) != 0)
            return {{"disk " + path, Verdict::bad, std::strerror(errno), "name one that is there with --disk"}};
        const auto block = static_cast<std::int64_t>(found.f_frsize);
        return {judge_disk(
            path, static_cast<std::int64_t>(found.f_blocks) * block,
            static_cast<std::int64_t>(found.f_bavail) * block)};
    }

    Context& context_;
    const DoctorArguments& arguments_;
    db::Session session_;
    Checks checks_;
};

}  // namespace

ExitCode doctor_verb(Context& context, const DoctorArguments& arguments) {
    const Checks checks = Doctor(context, arguments).examine();
    const Verdict worst = worst_of(checks);
    json rows = json::array();
    for (const Check& check : checks)
        rows.push_back(
            {{"name", check.name}, {"verdict", name_of(check.verdict)}, {"seen", check.seen}, {"mend", check.mend}});
    if (context.json)
        show_json(context, {{"verdict", name_of(worst)}, {"checks", std::move(rows)}});
    else
        print_table(
            context.world.out, {{"VERDICT", "verdict"}, {"CHECK", "name"}, {"SEEN", "seen"}, {"MEND", "mend"}}, rows,
            context.world.colours);
    switch (worst) {
        case Verdict::good: return ExitCode::ok;
        case Verdict::warning: return ExitCode::warning;
        case Verdict::bad: break;
    }
    return ExitCode::refused;
}

}  // namespace ordersaga::cli
