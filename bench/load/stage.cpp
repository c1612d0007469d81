#include "bench/load/stage.hpp"

#include "bench/surroundings.hpp"
#include "broker/topology.hpp"
#include "db/address.hpp"
#include "runtime/child_process.hpp"
#include "runtime/json.hpp"
#include "sandbox/demo/account.hpp"
#include "sandbox/demo/caller.hpp"
#include "sandbox/demo/rehearsal.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace ordersaga::bench {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds slice{20};
constexpr milliseconds look_every{200};

constexpr const char* queues_and_channels =
    "io:put_chars(rabbit_json:encode(#{version => list_to_binary(rabbit_misc:version()), "
    "erlang => list_to_binary(rabbit_misc:otp_release()), "
    "queues => [#{name => element(4, amqqueue:get_name(Q)), type => atom_to_binary(amqqueue:get_type(Q)), "
    "durable => amqqueue:is_durable(Q), arguments => maps:from_list([{K, V} || {K, _, V} <- "
    "amqqueue:get_arguments(Q)])} "
    "|| Q <- rabbit_amqqueue:list()], "
    "channels => [maps:from_list(C) || C <- rabbit_channel:info_all([confirm, prefetch_count, consumer_count])]})).";

demo::Catalogue catalogue_of(const StageOptions& options) {
    // The demo knows how shops are named; only the articles are ours.
    demo::Catalogue catalogue = demo::make_catalogue(1, static_cast<std::int64_t>(options.demand.stores), options.seed);
    catalogue.articles.clear();
    for (std::size_t n = 0; n < options.demand.skus; ++n) {
        const std::string sku = sku_number(n);
        const auto kind = options.scarce ? demo::ArticleKind::scarce : demo::ArticleKind::plentiful;
        catalogue.articles.push_back({sku, "Article " + sku, kind, options.units, 0, {}});
    }
    return catalogue;
}

demo::Options options_of(const StageOptions& options) {
    demo::Options result;
    result.bin = options.bin;
    result.servers_env = options.servers_env;
    result.directory = options.directory;
    result.stores = static_cast<std::int64_t>(options.demand.stores);
    result.orchestrators = options.orchestrators;
    result.workers = options.workers;
    result.seed = options.seed;
    result.settings = options.settings;
    // How many calls a peer takes at once is a limit like its rate, and lifted as that.
    result.settings.emplace("ORDERSAGA_DUTIES_STORE_WINDOW", "16");
    result.settings.emplace("ORDERSAGA_DUTIES_WAREHOUSE_WINDOW", "1000");
    result.real_pace = true;
    return result;
}

demo::WorldSettings world_of(const StageOptions& options) {
    demo::WorldSettings world;
    world.calls_per_minute = options.warehouse_calls_per_minute > 0 ? options.warehouse_calls_per_minute : 1'000'000;
    world.points_per_second = 1'000'000;
    world.channel_wait = options.channel_wait;
    world.ships = false;
    return world;
}

json slow(double milliseconds_each) {
    if (milliseconds_each <= 0) return json::object();
    return {{"slow", 1.0}, {"slow_for_ms", static_cast<std::int64_t>(milliseconds_each)}};
}

double metric_sum(const std::string& url, const std::vector<std::string>& names) {
    demo::Caller caller;
    const demo::Caller::Reply reply = caller.call("GET", url + "/metrics", "", "", seconds(2));
    std::istringstream lines(reply.body);
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
        const bool counts = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return line.starts_with(name + "{") || line.starts_with(name + " ");
        });
        if (counts) sum += std::atof(line.substr(line.rfind(' ') + 1).c_str());
    }
    return sum;
}

}  // namespace

Stage::Stage(StageOptions options)
    : options_(std::move(options)),
      catalogue_(catalogue_of(options_)),
      servers_(demo::read_env_file(options_.servers_env)) {
    system_ = std::make_unique<demo::System>(options_of(options_), catalogue_, world_of(options_));
}

Stage::~Stage() {
    context_.stop();
    if (addresses_.empty()) return;
    // Each system has queues of its own: those of twenty would cost the next one time and memory.
    system_->stop();
    broker::TopologyOptions queues;
    queues.prefix = addresses_.at("ORDERSAGA_AMQP_PREFIX");
    const auto address = broker::parse_address(addresses_.at("ORDERSAGA_AMQP_URL"));
    if (!address || !broker::delete_topology(*address, broker::make_topology(queues)))
        std::cerr << "the queues of " << queues.prefix << " were left behind\n";
}

void Stage::start(const std::function<void(const std::string&)>& tell) {
    system_->start(tell);
    addresses_ = system_->addresses();
    database_ = std::make_unique<db::Connection>(db::ConnectionSettings{
        db::dsn_with(addresses_.at("ORDERSAGA_ADMIN_DSN"), {{"dbname", "ordersaga_demo"}}), "bench"});
    pace_of_peers(options_.store_ms, options_.warehouse_ms);
    if (options_.warehouse_calls_per_minute > 0)
        system_->control(
            "PATCH", "/control/warehouses/" + catalogue_.warehouse,
            {{"rate_limit_per_minute", options_.warehouse_calls_per_minute}});
    Route route;
    route.sandbox_url = addresses_.at("ORDERSAGA_SANDBOX_URL");
    for (const std::string& intake : system_->intakes())
        route.intakes.push_back(intake + "/webhooks/shopify");
    for (const demo::Shop& shop : catalogue_.shops)
        route.shops.push_back({shop.key, shop.domain, addresses_.at(demo::secret_variable("SECRET", shop.key))});
    runtime::HttpClientOptions client;
    client.response_body_limit = 256 * 1024 * 1024;
    client_ = std::make_unique<runtime::HttpClient>(context_.get_executor(), client);
    generator_ =
        std::make_unique<Generator>(context_, std::move(route), Buyers(options_.demand, options_.seed), options_.seed);
    find_roots();
    ledger_read_to_ = system_->control("/control/ledger?limit=1&after=0").at("size");
    watching_ = true;
    asio::co_spawn(context_, watch_warehouse(), asio::detached);
}

void Stage::find_roots() {
    roots_ = {
        {"postgresql", std::stoi(servers_.at("ORDERSAGA_PG_PID"))},
        {"rabbitmq", std::stoi(servers_.at("ORDERSAGA_RABBITMQ_PID"))},
        {"generator", getpid()}};
    const std::pair<const char*, const char*> programs[] = {
        {"orchestrator", "orchestrator"}, {"activity-worker", "worker"}, {"sandbox", "sandbox"}};
    for (const auto& [program, name] : programs) {
        int number = 0;
        for (const pid_t id : children_called(program))
            roots_[++number == 1 ? name : fmt::format("{}-{}", name, number)] = id;
    }
}

void Stage::restart_programs() {
    const Roots before = roots_;
    const std::vector<std::string> programs = system_->programs();
    for (const std::string& program : programs)
        system_->kill(program);
    const auto ready = [&] {
        find_roots();
        if (roots_.size() < before.size()) return false;
        for (const auto& [name, id] : roots_) {
            const bool ours = name.starts_with("orchestrator") || name.starts_with("worker");
            if (ours && before.at(name) == id) return false;
        }
        return std::all_of(programs.begin(), programs.end(), [&](const std::string& program) {
            return system_->readiness(program).status == 200;
        });
    };
    const auto limit = steady_clock::now() + seconds(60);
    run_until([&] {
        if (steady_clock::now() >= limit) throw std::runtime_error("the programs do not become ready again");
        return ready();
    });
}

void Stage::signal_workers(int number) {
    for (const std::string& program : system_->programs()) {
        if (program.starts_with("activity-worker")) system_->signal(program, number);
    }
}

void Stage::warm_up() {
    keep_rate(60, options_.warm_up_s);
    drain(seconds(60));
    database_->autocommit("ANALYZE");
    keep_rate(60, options_.warm_up_s / 4);
    drain(seconds(60));
}

void Stage::pace_of_peers(double store_ms, double warehouse_ms) {
    json calls = json::object();
    calls["shopify"] = slow(store_ms);
    calls["shipbob"] = slow(warehouse_ms);
    system_->control("PUT", "/control/faults", {{"calls", std::move(calls)}});
}

void Stage::read_page(const std::string& body) {
    const runtime::Result<json> page =
        runtime::parse_json(body, {.depth = 64, .elements = 20'000'000, .refuse_nul_in_text = false});
    if (!page) throw std::runtime_error(page.error().message);
    ledger_read_to_ = page->at("next_after");
    for (const json& effect : page->at("effects")) {
        const auto at = runtime::parse_rfc3339(effect.at("at").get<std::string>());
        if (at && !effect.value("replay", false))
            requested_.emplace(demo::order_of_reference(effect.at("reference").get<std::string>()), *at);
    }
}

asio::awaitable<void> Stage::watch_warehouse() {
    asio::steady_timer timer(context_);
    while (watching_) {
        runtime::HttpCall call;
        call.url = addresses_.at("ORDERSAGA_SANDBOX_URL") +
                   "/control/ledger?limit=100000&kind=warehouse_order_created&after=" + std::to_string(ledger_read_to_);
        const runtime::HttpOutcome outcome = co_await client_->send(std::move(call));
        // Silence is asked again; what was said must be understood.
        if (outcome.is_response()) {
            try {
                if (outcome.status != 200) throw std::runtime_error("status " + std::to_string(outcome.status));
                read_page(outcome.body);
            } catch (const std::exception& error) {
                trouble_ = std::string("the sandbox's ledger cannot be read: ") + error.what();
            }
        }
        timer.expires_after(look_every);
        boost::system::error_code error;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

void Stage::run_until(const std::function<bool()>& done) {
    while (!done()) {
        context_.restart();
        context_.run_for(slice);
        system_->supervise();
        if (!system_->crashes().empty()) throw std::runtime_error(system_->crashes().front());
        for (const std::string& trouble : {generator_->trouble(), trouble_}) {
            if (!trouble.empty()) throw std::runtime_error(trouble);
        }
        if (runtime::interrupted()) throw runtime::Interrupted{};
    }
}

void Stage::run_to_end(asio::awaitable<void> load) {
    bool done = false;
    asio::co_spawn(context_, std::move(load), [&done](const std::exception_ptr& fault) {
        if (fault) std::rethrow_exception(fault);
        done = true;
    });
    run_until([&] { return done; });
}

void Stage::keep_rate(double orders_per_second, double length) {
    run_to_end(generator_->keep_rate(orders_per_second, std::chrono::duration<double>(length)));
}

void Stage::burst(std::size_t orders, std::size_t at_once) {
    run_to_end(generator_->burst(orders, at_once));
}

void Stage::pass(milliseconds length) {
    const auto limit = steady_clock::now() + length;
    run_until([&] { return steady_clock::now() >= limit; });
}

std::size_t Stage::backlog() const {
    const std::size_t ended = requested_.size() + ended_elsewhere_;
    return generator_->orders() - std::min(generator_->orders(), ended);
}

std::int64_t Stage::moving() {
    std::int64_t count = 0;
    database_->transact([&](db::Transaction& transaction) {
        count =
            transaction
                .query(
                    "SELECT count(*) FROM sagas WHERE merchant_id IN (SELECT merchant_id FROM merchants) AND state IN "
                    "('Received', 'Reserved', 'ChannelsSynced', 'CancellingFulfillment', 'ReleasingStock', "
                    "'RevertingChannels', 'SettlingOrder')")
                .int64(0, 0);
    });
    return count;
}

bool Stage::drain(seconds longest) {
    const auto limit = steady_clock::now() + longest;
    // What was cancelled or refused is never requested: once nothing comes any more, the database is asked.
    std::size_t before = 0;
    auto moved = steady_clock::now();
    bool rests = false;
    run_until([&] {
        if (requested_.size() != before) {
            before = requested_.size();
            moved = steady_clock::now();
        }
        const auto now = steady_clock::now();
        if (generator_->under_way() == 0 && (backlog() == 0 || now - moved > milliseconds(500))) {
            rests = moving() == 0;
            moved = now;
            if (rests) ended_elsewhere_ = generator_->orders() - std::min(generator_->orders(), requested_.size());
        }
        return rests || now >= limit;
    });
    return rests;
}

Reading Stage::read() {
    Reading reading;
    reading.at = steady_clock::now();
    reading.cost = look_at(roots_);
    reading.orders = generator_->orders();
    reading.requested = requested_.size();
    database_->transact([&](db::Transaction& transaction) {
        const db::Rows rows = transaction.query(
            "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::double precision, "
            "(tup_inserted + tup_updated + tup_deleted)::double precision, xact_commit::double precision, "
            "(SELECT sum(n_tup_ins)::double precision FROM pg_stat_user_tables WHERE relname LIKE 'saga_history%') "
            "FROM pg_stat_database WHERE datname = current_database()");
        reading.wal_bytes = rows.real(0, 0);
        reading.rows = rows.real(0, 1);
        reading.transactions = rows.real(0, 2);
        reading.steps = rows.real(0, 3);
    });
    for (const std::string program : {"orchestrator", "activity-worker"}) {
        for (const std::string& url : system_->urls(program))
            reading.messages += metric_sum(url, {"ordersaga_messages_total"});
    }
    return reading;
}

Latencies Stage::latencies(
    runtime::Instant from,
    runtime::Instant until,
    const std::function<bool(std::size_t shop)>& wanted) const {
    Latencies result;
    for (const Sent& sent : generator_->sent()) {
        if (sent.what != Sent::What::order || sent.due < from || sent.due >= until) continue;
        if (wanted && !wanted(sent.shop)) continue;
        if (sent.status / 100 == 2) result.answered_ms.push_back(sent.answered_ms);
        const auto found = requested_.find(catalogue_.shops[sent.shop].key + "." + sent.order_id);
        if (found != requested_.end())
            result.requested_ms.push_back(std::chrono::duration<double, std::milli>(found->second - sent.due).count());
    }
    return result;
}

Verdict Stage::judge() {
    Verdict verdict;
    if (const std::int64_t still = moving(); still > 0)
        verdict.broken.push_back(fmt::format("{} orders have not come to rest", still));
    std::vector<demo::PlacedOrder> placed;
    for (const Sent& sent : generator_->sent()) {
        if (sent.what != Sent::What::order) continue;
        demo::PlacedOrder order;
        order.plan.shop = sent.shop;
        order.plan.lines = {{catalogue_.articles.front().sku, 1}};
        order.order_id = sent.order_id;
        order.name = sent.order_id;
        placed.push_back(std::move(order));
        if (!sent.taken) {
            verdict.broken.push_back("the webhook of order " + sent.order_id + " was never taken");
            ++verdict.lost;
        }
    }
    const auto limit = steady_clock::now() + seconds(60);
    demo::Judgement judgement;
    do {
        pass(milliseconds(500));
        judgement = demo::judge(catalogue_, placed, demo::hear_sandbox(*system_, {}));
    } while ((!judgement.unequal_listings.empty() || !judgement.mismatches.empty()) && steady_clock::now() < limit);
    const auto complain = [&](const std::string& what, const std::vector<std::string>& items) {
        if (!items.empty()) verdict.broken.push_back(fmt::format("{} {}: {}", items.size(), what, items.front()));
    };
    complain("listings do not show what can be sold", judgement.unequal_listings);
    complain("orders are not where they should be", judgement.mismatches);
    demo::Account account;
    const runtime::CommandEnd end = system_->sagactl({"verify", "--json"}, minutes(60));
    if (!demo::read_laws(end.output, account)) verdict.broken.push_back("sagactl verify gave no answer: " + end.output);
    for (const auto& [law, holds] : account.laws) {
        if (!holds) verdict.broken.push_back(law + " is broken");
    }
    complain("rows break a law", account.law_findings);
    const json summary = system_->control("/control/summary");
    const json& effects = summary.at("effects");
    verdict.oversold = effects.value("oversold_units", std::int64_t{0});
    verdict.doubled = effects.value("duplicate_fulfillments", std::int64_t{0});
    if (verdict.oversold != 0) verdict.broken.push_back(fmt::format("{} units were oversold", verdict.oversold));
    if (verdict.doubled != 0) verdict.broken.push_back(fmt::format("{} parts were sent twice", verdict.doubled));
    for (int turn = 0; turn < 50; ++turn) {
        const std::optional<json> now = system_->rest("/summary");
        if (!now) {
            pass(milliseconds(200));
            continue;
        }
        if (now->at("parked_items") != 0)
            verdict.broken.push_back(fmt::format("{} inputs were parked", now->at("parked_items").dump()));
        break;
    }
    verdict.orders = generator_->orders();
    verdict.requested = requested_.size();
    verdict.lost += judgement.mismatches.size();
    return verdict;
}

std::filesystem::path Stage::log_of_postgresql() const {
    return std::filesystem::path(servers_.at("ORDERSAGA_SERVERS_DIR")) / "postgresql" / "log";
}

json Stage::servers() {
    json result = json::object();
    for (const char* name :
         {"server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "wal_sync_method",
          "wal_compression", "shared_buffers", "max_wal_size", "checkpoint_timeout", "commit_delay", "commit_siblings",
          "max_connections", "autovacuum"})
        result["postgresql"][name] = setting_of(*database_, name);
    // What a login has of its own goes before the server's.
    database_->transact([&](db::Transaction& transaction) {
        const db::Rows rows = transaction.query(
            "SELECT coalesce(nullif(setrole, 0)::regrole::text, 'every role'), array_to_string(setconfig, ', ') "
            "FROM pg_db_role_setting LEFT JOIN pg_database ON oid = setdatabase "
            "WHERE setdatabase = 0 OR datname = current_database()");
        for (std::size_t row = 0; row < rows.size(); ++row)
            result["postgresql"]["of_roles"][rows.text(row, 0)] = rows.text(row, 1);
    });
    // AMQP does not tell what a queue was declared with, nor whether a channel confirms.
    runtime::ChildPlan plan;
    plan.program = servers_.at("ORDERSAGA_SERVERS");
    plan.arguments = {"eval", "--dir", servers_.at("ORDERSAGA_SERVERS_DIR"), queues_and_channels};
    plan.log = system_->logs() / "servers-settings.log";
    const runtime::CommandEnd end = runtime::run_command(plan, seconds(60));
    const runtime::Result<json> told = runtime::parse_json(end.output.substr(0, end.output.rfind('}') + 1));
    if (!told) throw std::runtime_error("RabbitMQ does not tell of its queues: " + end.output);
    result["rabbitmq"] = {{"server_version", told->at("version")}, {"erlang", told->at("erlang")}};
    const std::string prefix = addresses_.at("ORDERSAGA_AMQP_PREFIX");
    json queues = json::object();
    for (const json& queue : told->at("queues")) {
        const std::string name = queue.at("name");
        if (!name.starts_with(prefix)) continue;
        queues[name.substr(prefix.size())] = {
            {"type", queue.at("type")}, {"durable", queue.at("durable")}, {"arguments", queue.at("arguments")}};
    }
    result["rabbitmq"]["queues"] = std::move(queues);
    result["rabbitmq"]["channels"] = told->at("channels");
    return result;
}

json Stage::load() const {
    return {
        {"seed", options_.seed},
        {"orchestrators", options_.orchestrators},
        {"workers", options_.workers},
        {"stores", options_.demand.stores},
        {"skus", options_.demand.skus},
        {"units_of_each", options_.units},
        {"zipf", options_.demand.zipf},
        {"lines_min", options_.demand.lines_min},
        {"lines_max", options_.demand.lines_max},
        {"second_line", options_.demand.second_line},
        {"webhooks_twice", options_.demand.twice},
        {"orders_cancelled", options_.demand.cancelled},
        {"store_call_ms", options_.store_ms},
        {"warehouse_call_ms", options_.warehouse_ms},
        {"store_limits", "lifted"},
        {"shops_late_at_most_s", generator_ ? generator_->latest_s() : 0.0},
        {"orchestrator_settings", options_.settings},
        {"warehouse_calls_per_minute",
         options_.warehouse_calls_per_minute > 0 ? json(options_.warehouse_calls_per_minute) : json("lifted")},
        {"body_bytes", generator_->body_bytes()}};
}

}  // namespace ordersaga::bench
