#include "sandbox/demo/system.hpp"

#include "runtime/clock.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/sealing.hpp"
#include "runtime/url.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* database_name = "ordersaga_demo";

void write_file(const std::filesystem::path& file, const std::string& content) {
    std::ofstream stream(file, std::ios::trunc);
    stream << content;
    stream.close();
    if (!stream) throw std::runtime_error("cannot write " + file.string());
    // Some hold secrets, and programs refuse those that everybody may read.
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::string read_file(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::string last_lines(const std::filesystem::path& file) {
    std::string text = read_file(file);
    constexpr std::size_t most = 1500;
    if (text.size() > most) text.erase(0, text.size() - most);
    return text;
}

std::string unquoted(std::string text) {
    if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') || text.back() != text.front()) return text;
    return text.substr(1, text.size() - 2);
}

std::string loopback(std::uint16_t port) {
    return "http://127.0.0.1:" + std::to_string(port);
}

std::string port_of(const std::string& url) {
    return url.substr(url.rfind(':') + 1);
}

json parsed(const std::string& text, const std::string& what) {
    runtime::Result<json> document =
        runtime::parse_json(text, {.depth = 64, .elements = 20'000'000, .refuse_nul_in_text = false});
    if (!document) throw std::runtime_error(what + " answered no JSON: " + document.error().message);
    return std::move(*document);
}

}  // namespace

std::map<std::string, std::string> read_env_file(const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) throw std::runtime_error("cannot read " + file.string());
    std::map<std::string, std::string> values;
    for (std::string line; std::getline(stream, line);) {
        const std::size_t sign = line.find('=');
        if (line.empty() || line.front() == '#' || sign == std::string::npos) continue;
        values[line.substr(0, sign)] = unquoted(line.substr(sign + 1));
    }
    return values;
}

System::System(const Options& options, Catalogue catalogue, WorldSettings world, Between between)
    : options_(options),
      catalogue_(std::move(catalogue)),
      world_settings_(world),
      servers_(read_env_file(options.servers_env)),
      between_(std::move(between)),
      bin_(options.earlier_bin.empty() ? options.bin : options.earlier_bin) {
    for (const char* name :
         {"ORDERSAGA_ADMIN_DSN", "ORDERSAGA_AMQP_URL", "ORDERSAGA_SERVERS", "ORDERSAGA_SERVERS_DIR"}) {
        if (servers_[name].empty()) throw std::runtime_error(options.servers_env.string() + " does not tell " + name);
    }
    directory_ = std::filesystem::absolute(
        options.directory.empty() ? std::filesystem::path(servers_["ORDERSAGA_SERVERS_DIR"]).parent_path()
                                  : options.directory);
    sandbox_.name = sandbox_.binary = "sandbox";
    const auto make = [](std::vector<Program>& programs, const std::string& binary, std::int64_t count) {
        for (std::int64_t number = 1; number <= count; ++number) {
            Program program;
            program.binary = binary;
            program.name = number == 1 ? binary : fmt::format("{}-{}", binary, number);
            programs.push_back(std::move(program));
        }
    };
    make(orchestrators_, "orchestrator", options.orchestrators);
    make(workers_, "activity-worker", options.workers);
    make(notifiers_, "notifier", options.notifier ? 1 : 0);
    give_addresses();
    // Queues of an earlier run may still hold its messages.
    broker_prefix_ = "demo" + runtime::random_token(4) + ".";
}

System::~System() {
    stop();
}

// Fixed ports: the stores must find it again after a restart.
void System::give_addresses() {
    std::set<std::uint16_t> taken;
    const auto another_port = [&taken] {
        std::uint16_t port = runtime::free_port();
        while (!taken.insert(port).second)
            port = runtime::free_port();
        return port;
    };
    for (Program* program : all_programs()) {
        program->url = loopback(another_port());
        if (program->binary == "orchestrator") program->public_port = another_port();
    }
    // All stores know one address; whoever stands before several orchestrators spreads the webhooks over them.
    std::string all;
    for (const std::string& intake : intakes())
        all += (all.empty() ? "" : ",") + intake;
    public_url_ = between_ ? between_("stores", "intake", all) : intakes().front();
    world_settings_.public_url = public_url_;
}

void System::start(const std::function<void(const std::string&)>& tell) {
    std::filesystem::remove_all(directory_ / "logs");
    std::filesystem::create_directories(directory_ / "logs");
    std::filesystem::create_directories(directory_ / "config");
    std::filesystem::permissions(directory_ / "config", std::filesystem::perms::owner_all);
    start_sandbox();
    make_world();
    tell(fmt::format("a world of {} stores and a warehouse at {}", catalogue_.shops.size(), sandbox_url_));
    make_database();
    connect_shops();
    tell("a database of its own, with stores, SKUs and opening stock");
    send_webhooks_here();
    start_programs();
    tell(fmt::format(
        "{} orchestrator(s), the first at {} (webhooks) and {} (REST); {} activity-worker(s)", orchestrators_.size(),
        public_url_, orchestrators_.front().url, workers_.size()));
    wait_until_open();
    tell("every store's stock is known; logs are in " + logs().string());
}

void System::stop() {
    // Both drain at the same time; a second signal would cut that short.
    for (Program* program : all_programs()) {
        if (!program->child) continue;
        program->child->signal(SIGTERM);
        program->child->signal(SIGCONT);
    }
    for (Program* program : all_programs()) {
        if (program->child && !program->child->wait_for(seconds(20))) program->child->signal(SIGKILL);
        program->child.reset();
    }
    if (sandbox_.child) sandbox_.child->stop(seconds(5));
    sandbox_.child.reset();
    for (runtime::Child& restart : restarts_)
        restart.wait_for(seconds(60));
    restarts_.clear();
}

// --- starting --------------------------------------------------------------------------------------------------------

// One after the other: the first to start brings what the others find.
void System::start_programs() {
    for (Program& program : orchestrators_)
        start_orchestrator(program);
    wait_for_tokens();
    for (Program& program : workers_)
        start_worker(program);
    for (Program& program : notifiers_)
        start_notifier(program);
}

// A call that finds no token stops its store's lane for a minute.
void System::wait_for_tokens() {
    const auto limit = steady_clock::now() + seconds(30);
    while (!clients_.empty() && steady_clock::now() < limit) {
        const runtime::CommandEnd list = sagactl({"credential", "list", "--json"});
        const json credentials = list.status == 0 ? parsed(list.output, "sagactl").at("credentials") : json::array();
        const auto granted = std::count_if(
            credentials.begin(), credentials.end(), [](const json& row) { return row.value("version", 0) != 0; });
        if (granted >= static_cast<std::ptrdiff_t>(clients_.size())) return;
        runtime::pause(milliseconds(50));
    }
}

void System::launch(Program& program) {
    program.expected_to_end = false;
    // The stand-in world is always ours: it is who testifies.
    program.plan.program = std::filesystem::absolute(&program == &sandbox_ ? options_.bin : bin_) / program.binary;
    program.plan.log = logs() / (program.name + ".log");
    program.child.emplace(program.plan);
}

std::string System::wait_for_line(Program& program, const std::string& beginning, seconds longest) {
    const auto limit = steady_clock::now() + longest;
    while (steady_clock::now() < limit) {
        std::ifstream log(program.plan.log);
        for (std::string line; std::getline(log, line);) {
            // A line without its end is not whole yet.
            if (line.starts_with(beginning) && !log.eof()) return line.substr(beginning.size());
        }
        if (program.child->ended()) break;
        runtime::pause(milliseconds(20));
    }
    throw std::runtime_error(
        program.name + " does not start:\n" + last_lines(program.plan.log) + "\n(" + program.plan.log.string() + ")");
}

void System::wait_until_ready(Program& program, const std::string& url, seconds longest) {
    const auto limit = steady_clock::now() + longest;
    std::string said;
    while (steady_clock::now() < limit && !program.child->ended()) {
        const Caller::Reply reply = caller_.call("GET", url + "/readyz", "", "", seconds(2));
        if (reply.status == 200) return;
        said = reply.body;
        runtime::pause(milliseconds(50));
    }
    throw std::runtime_error(
        program.name + " does not become ready: " + said + "\n" + last_lines(program.plan.log) + "\n(" +
        program.plan.log.string() + ")");
}

void System::start_sandbox() {
    sandbox_.plan.arguments = {"--seed", std::to_string(options_.seed)};
    launch(sandbox_);
    sandbox_url_ = wait_for_line(sandbox_, "sandbox listening on ", seconds(10));
}

void System::make_world() {
    json world = control("POST", "/control/setup", sandbox_setup(catalogue_, world_settings_));
    for (json& store : world.at("stores"))
        store["base_url"] = between("workers", "shopify", store.at("base_url"));
    for (json& depot : world.at("warehouses"))
        depot["base_url"] = between("workers", "shipbob", depot.at("base_url"));
    const std::string now =
        runtime::format_rfc3339(std::chrono::floor<seconds>(runtime::SystemClock().now()) - seconds(1));
    const SetupFiles files = setup_files(catalogue_, world, world_settings_, now);
    for (const auto& [name, content] : files.files)
        write_file(directory_ / "config" / name, content);
    write_file(directory_ / "config" / "worker.toml", files.worker_toml);
    secrets_ = files.secrets;
    secrets_["ORDERSAGA_CREDENTIALS_KEYS"] = runtime::new_key_line();
    clients_ = files.clients;
}

void System::use_postgres(const std::string& tool, std::vector<std::string> arguments) {
    runtime::ChildPlan plan;
    plan.program = "/usr/bin/" + tool;
    plan.arguments = std::move(arguments);
    plan.environment = servers_;
    plan.log = logs() / (tool + ".log");
    if (const runtime::CommandEnd end = runtime::run_command(plan, seconds(60)); end.status != 0)
        throw std::runtime_error(tool + ": " + end.output);
}

void System::make_database() {
    use_postgres(
        "psql",
        {"--no-psqlrc", "--quiet", "-c", fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", database_name)});
    const std::filesystem::path env_file = directory_ / "config" / "database.env";
    const runtime::CommandEnd migrated =
        sagactl({"migrate", "--bootstrap", database_name, "--write-env", env_file.string()});
    if (migrated.status != 0) throw std::runtime_error("sagactl migrate: " + migrated.output);
    database_ = read_env_file(env_file);
}

void System::connect_shops() {
    const runtime::CommandEnd setup = sagactl({"setup", (directory_ / "config" / "shop.toml").string()});
    if (setup.status != 0) throw std::runtime_error("sagactl setup: " + setup.output);
    for (const auto& [store, client] : clients_) {
        const std::filesystem::path secret_file = directory_ / "config" / ("client-secret-" + store);
        write_file(secret_file, client.secret + "\n");
        const runtime::CommandEnd kept = sagactl(
            {"credential", "set", "store:" + store, "--client-id", client.id, "--client-secret-file",
             secret_file.string(), "--reason", "its tokens end"});
        if (kept.status != 0) throw std::runtime_error("sagactl credential: " + kept.output);
    }
    const std::filesystem::path token_file = directory_ / "config" / "token";
    const runtime::CommandEnd token = sagactl(
        {"token", "create", "demo", "--role", "admin", "--reason", "the demo looks at its orders", "--out",
         token_file.string()});
    if (token.status != 0) throw std::runtime_error("sagactl token: " + token.output);
    token_ = read_file(token_file);
    while (!token_.empty() && token_.back() == '\n')
        token_.pop_back();
}

// A demo's minutes are a shop's days: what production does once a minute happens every few seconds here. With the peers'
// real limits their own budgets would not allow that.
std::map<std::string, std::string> System::orchestrator_environment(const std::string& program) const {
    std::map<std::string, std::string> environment = secrets_;
    for (const auto& [name, value] : database_)
        environment[name] = name.ends_with("_DSN") ? between(program, "postgresql", value) : value;
    environment["ORDERSAGA_AMQP_URL"] = between(program, "rabbitmq", servers_.at("ORDERSAGA_AMQP_URL"));
    environment["ORDERSAGA_AMQP_PREFIX"] = broker_prefix_;
    environment["ORDERSAGA_LOG_LEVEL"] = "info";
    environment.insert(options_.settings.begin(), options_.settings.end());
    if (options_.real_limits || options_.real_pace) return environment;
    const std::pair<const char*, const char*> quick[] = {
        {"ORDERSAGA_DUTIES_POLL_ORDERS_EVERY", "5s"},
        // Not as often as the others: a reading is left aside while what is on its way to the warehouse explains it.
        {"ORDERSAGA_DUTIES_READ_STOCK_EVERY", "10s"},
        {"ORDERSAGA_DUTIES_POLL_FULFILLMENTS_EVERY", "5s"},
        {"ORDERSAGA_DUTIES_QUIET_READS_EVERY", "2s"},
        {"ORDERSAGA_DUTIES_CHECK_SUBSCRIPTIONS_EVERY", "10s"},
        {"ORDERSAGA_DUTIES_HINT_SETTLES_AFTER", "10s"},
        {"ORDERSAGA_CALLS_CALL_DEADLINE", "2s"},
        {"ORDERSAGA_CALLS_SEND_WITHIN", "5s"},
        {"ORDERSAGA_CALLS_START_TO_CLOSE", "9s"},
        {"ORDERSAGA_CALLS_LOOKUP_DELAY", "500ms"},
        {"ORDERSAGA_CALLS_INITIAL_INTERVAL", "200ms"},
        {"ORDERSAGA_CALLS_MAX_INTERVAL", "5s"},
        {"ORDERSAGA_CALLS_MAX_ATTEMPTS", "30"},
        {"ORDERSAGA_ENGINE_BREAKER_COOLDOWN", "500ms"},
        {"ORDERSAGA_ENGINE_BREAKER_COOLDOWN_CAP", "3s"},
    };
    for (const auto& [name, value] : quick)
        environment.emplace(name, value);
    return environment;
}

std::string System::between(const std::string& from, const std::string& to, const std::string& address) const {
    return between_ ? between_(from, to, address) : address;
}

void System::start_orchestrator(Program& program) {
    program.plan.environment = orchestrator_environment(program.name);
    program.plan.environment["ORDERSAGA_PUBLIC_PORT"] = std::to_string(program.public_port);
    program.plan.environment["ORDERSAGA_PRIVATE_PORT"] = port_of(program.url);
    launch(program);
    wait_for_line(program, "orchestrator ready ", seconds(60));
    wait_until_ready(program, program.url, seconds(60));
}

void System::lead_to_servers(Program& program, const std::string& dsn) const {
    program.plan.environment[dsn] = between(program.name, "postgresql", database_.at(dsn));
    program.plan.environment["ORDERSAGA_AMQP_URL"] =
        between(program.name, "rabbitmq", servers_.at("ORDERSAGA_AMQP_URL"));
    program.plan.environment["ORDERSAGA_BROKER_PREFIX"] = broker_prefix_;
}

void System::start_worker(Program& program) {
    program.plan.arguments = {"--config", (directory_ / "config" / "worker.toml").string()};
    program.plan.environment = secrets_;
    lead_to_servers(program, "ORDERSAGA_WORKER_DSN");
    program.plan.environment["ORDERSAGA_METRICS_PORT"] = port_of(program.url);
    launch(program);
    wait_until_ready(program, program.url, seconds(60));
}

void System::start_notifier(Program& program) {
    const std::string secret = "whsec_" + runtime::base64_encode(runtime::random_token(16));
    const json hook = control("PUT", "/control/hooks/erp", {{"secret", secret}});
    const std::string url = between(program.name, "hooks", hook.at("url"));
    write_file(
        directory_ / "config" / "notifier.toml",
        "[broker]\nurl = \"env:ORDERSAGA_AMQP_URL\"\n\n[notifier]\ndsn = \"env:ORDERSAGA_NOTIFIER_DSN\"\n"
        "first_retry = \"200ms\"\nlongest_retry = \"3s\"\n\n[[notifier.webhooks]]\nkey = \"erp\"\nmerchant = 1\n"
        "url = \"" +
            url + "\"\nsecrets = [\"env:ORDERSAGA_SECRET_ERP\"]\n");
    program.plan.arguments = {"--config", (directory_ / "config" / "notifier.toml").string()};
    program.plan.environment["ORDERSAGA_SECRET_ERP"] = secret;
    lead_to_servers(program, "ORDERSAGA_NOTIFIER_DSN");
    program.plan.environment["ORDERSAGA_NOTIFIER_METRICS_PORT"] = port_of(program.url);
    launch(program);
    wait_until_ready(program, program.url, seconds(60));
}

void System::send_webhooks_here() {
    for (const Shop& shop : catalogue_.shops) {
        control("PATCH", "/control/stores/" + shop.domain, {{"webhook_url", public_url_ + "/webhooks/shopify"}});
    }
    control(
        "PATCH", "/control/warehouses/" + catalogue_.warehouse,
        {{"webhook_url", public_url_ + "/webhooks/shipbob/" + catalogue_.warehouse}});
}

void System::wait_until_open() {
    const auto limit = steady_clock::now() + seconds(options_.real_limits ? 240 : 90);
    std::string missing = "nothing was answered";
    while (steady_clock::now() < limit) {
        supervise();
        const auto listings = rest_all("/listings");
        const auto stock = rest_all("/stock");
        if (listings && stock) {
            const auto unknown = std::count_if(
                listings->begin(), listings->end(), [](const json& row) { return row.at("believed").is_null(); });
            const auto unread = std::count_if(
                stock->begin(), stock->end(), [](const json& row) { return row.at("read_asked_at").is_null(); });
            if (unknown == 0 && unread == 0 && !listings->empty()) return;
            missing = fmt::format(
                "{} of {} listings and {} of {} ledgers are not read yet", unknown, listings->size(), unread,
                stock->size());
        }
        runtime::pause(milliseconds(200));
    }
    throw std::runtime_error(
        "the stores' stock does not become known: " + missing + "; logs are in " + logs().string());
}

// --- watching and killing --------------------------------------------------------------------------------------------

void System::watch(Program& program) {
    if (!program.child) {
        if (program.start_again != steady_clock::time_point{} && steady_clock::now() >= program.start_again) {
            program.start_again = {};
            launch(program);
        }
        return;
    }
    const std::optional<int> status = program.child->ended();
    if (!status) return;
    constexpr int not_usable = 3;  // the database was away when it started: it is started again until it is there
    if (*status == not_usable) {
        program.start_again = steady_clock::now() + seconds(1);
    } else if (!program.expected_to_end) {
        crashes_.push_back(fmt::format(
            "{} ended with status {}; its last words are in {}", program.name, *status, program.plan.log.string()));
        program.start_again = steady_clock::now() + seconds(1);
    } else {
        program.start_again = steady_clock::now() + program.away;
    }
    program.child.reset();
}

void System::supervise() {
    for (Program* program : all_programs())
        watch(*program);
    if (sandbox_.child && sandbox_.child->ended())
        throw std::runtime_error("the sandbox ended: nobody is left to testify; see " + sandbox_.plan.log.string());
    for (runtime::Child& restart : restarts_) {
        if (restart.ended().value_or(0) != 0)
            throw std::runtime_error("a server does not start again; see " + (logs() / "servers.log").string());
    }
    std::erase_if(restarts_, [](runtime::Child& restart) { return restart.ended().has_value(); });
    if (also_) also_();
}

void System::wait_for_servers() {
    for (runtime::Child& restart : restarts_) {
        if (!restart.wait_for(seconds(60)) || restart.ended() != 0)
            throw std::runtime_error("a server does not start again; see " + (logs() / "servers.log").string());
    }
    restarts_.clear();
}

void System::start_again(const std::string& program, const std::map<std::string, std::string>& more) {
    Program& again = named(program);
    again.child.reset();
    const std::map<std::string, std::string> usual = again.plan.environment;
    for (const auto& [name, value] : more)
        again.plan.environment[name] = value;
    launch(again);
    again.plan.environment = usual;
}

std::optional<int> System::ended(const std::string& program) {
    Program& one = named(program);
    return one.child ? one.child->ended() : std::optional<int>(-1);
}

bool System::restarting() const {
    return !restarts_.empty();
}

System::Program* System::find(const std::string& subject) {
    const std::string name = subject == "worker" ? "activity-worker" : subject;
    for (Program* program : all_programs()) {
        if (program->name == name) return program;
    }
    return nullptr;
}

System::Program& System::named(const std::string& subject) {
    if (Program* program = find(subject); program != nullptr) return *program;
    throw std::invalid_argument("there is no program " + subject);
}

std::vector<System::Program*> System::all_programs() {
    std::vector<Program*> all;
    for (std::vector<Program>* programs : {&orchestrators_, &workers_, &notifiers_}) {
        for (Program& program : *programs)
            all.push_back(&program);
    }
    return all;
}

// As the runbook says: the schema first, then orchestrators, then workers. The old ones go on meanwhile.
void System::upgrade_beside() {
    std::size_t open = 0;
    if (const auto sagas = rest_all("/sagas")) {
        open = static_cast<std::size_t>(std::count_if(
            sagas->begin(), sagas->end(), [](const json& saga) { return !saga.at("final").get<bool>(); }));
    }
    std::cout << fmt::format("- upgrade with {} orders open", open) << std::endl;
    bin_ = options_.bin;
    const runtime::CommandEnd migrated = sagactl({"migrate"});
    if (migrated.status != 0) throw std::runtime_error("sagactl migrate: " + migrated.output);
    for (Program* program : all_programs()) {
        if (program->child) earlier_.push_back(std::move(*program->child));
        program->child.reset();
        std::filesystem::rename(program->plan.log, program->plan.log.string() + ".earlier");
    }
    give_addresses();
    start_programs();
    send_webhooks_here();
}

void System::end_earlier() {
    for (runtime::Child& child : earlier_)
        child.signal(SIGTERM);
    for (runtime::Child& child : earlier_) {
        if (!child.wait_for(seconds(30))) throw std::runtime_error("a program of the earlier release does not end");
        if (const int status = child.ended().value_or(0); status != 0)
            crashes_.push_back(fmt::format("a program of the earlier release ended with status {}", status));
    }
    earlier_.clear();
    std::cout << "- the earlier release is gone" << std::endl;
}

void System::take_backup() {
    use_postgres("pg_dump", {"--format=custom", "--file", (directory_ / "backup").string(), database_name});
}

// Whoever is on shift does the same: stop everything, put the database back, start everything.
void System::restore_backup() {
    for (const Program* program : all_programs())
        kill(program->name);
    for (Program* program : all_programs()) {
        if (program->child) program->child->wait_for(seconds(10));
    }
    use_postgres("psql", {"--no-psqlrc", "--quiet", "-c", fmt::format("DROP DATABASE {} WITH (FORCE)", database_name)});
    use_postgres(
        "pg_restore", {"--create", "--exit-on-error", "--dbname", "postgres", (directory_ / "backup").string()});
}

void System::kill(const std::string& subject, milliseconds away) {
    if (subject == "upgrade") return upgrade_beside();
    if (subject == "earlier") return end_earlier();
    if (subject == "backup") return take_backup();
    if (subject == "restore") return restore_backup();
    if (Program* program = find(subject); program != nullptr) {
        if (!program->child) return;
        program->expected_to_end = true;
        program->away = away;
        program->child->signal(SIGKILL);
        return;
    }
    servers({"kill", subject});
    restart_server(subject);
}

void System::signal(const std::string& program, int number) {
    if (Program* found = find(program); found != nullptr && found->child) found->child->signal(number);
}

void System::servers(const std::vector<std::string>& words) {
    runtime::ChildPlan plan;
    plan.program = servers_.at("ORDERSAGA_SERVERS");
    plan.arguments = words;
    plan.arguments.insert(plan.arguments.end(), {"--dir", servers_.at("ORDERSAGA_SERVERS_DIR")});
    plan.log = logs() / "servers-faults.log";
    if (const runtime::CommandEnd end = runtime::run_command(plan, seconds(60)); end.status != 0)
        throw std::runtime_error(fmt::format("tools/servers {} failed: {}", words.front(), end.output));
}

void System::restart_server(const std::string& server) {
    runtime::ChildPlan plan;
    plan.program = servers_.at("ORDERSAGA_SERVERS");
    plan.arguments = {"restart", server, "--dir", servers_.at("ORDERSAGA_SERVERS_DIR")};
    plan.log = logs() / "servers.log";
    restarts_.emplace_back(plan);
}

std::vector<std::string> System::programs() {
    std::vector<std::string> names;
    for (const Program* program : all_programs())
        names.push_back(program->name);
    return names;
}

// --- asking ----------------------------------------------------------------------------------------------------------

System::Answer System::control_raw(const std::string& method, const std::string& path, const std::string& body) {
    Caller::Reply reply = caller_.call(method, sandbox_url_ + path, body, "", seconds(60));
    if (runtime::interrupted()) throw runtime::Interrupted{};
    return {reply.status, std::move(reply.body)};
}

json System::control(const std::string& method, const std::string& path, const json& body) {
    const Answer answer = control_raw(method, path, body.is_null() ? std::string() : runtime::dump_json(body));
    if (answer.status / 100 != 2)
        throw std::runtime_error(fmt::format("sandbox: {} {} gave {} {}", method, path, answer.status, answer.body));
    return parsed(answer.body, "sandbox " + path);
}

json System::control(const std::string& path) {
    return control("GET", path, nullptr);
}

Caller::Reply System::readiness(const std::string& program) {
    return caller_.call("GET", named(program).url + "/readyz", "", "", seconds(1));
}

std::optional<json> System::rest(const std::string& path) {
    // One may be away; who answered last is asked first.
    const auto patience = seconds(orchestrators_.size() == 1 ? 5 : 2);
    for (std::size_t turn = 0; turn < orchestrators_.size(); ++turn) {
        const Caller::Reply reply = caller_.call("GET", private_url() + "/api/v1" + path, "", token_, patience);
        if (runtime::interrupted()) throw runtime::Interrupted{};
        if (reply.status == 200) return parsed(reply.body, "GET /api/v1" + path);
        if (reply.status != 0 && reply.status != 429 && reply.status < 500)
            throw std::runtime_error(fmt::format("GET /api/v1{} gave {} {}", path, reply.status, reply.body));
        answering_ = (answering_ + 1) % orchestrators_.size();
    }
    return std::nullopt;
}

std::optional<std::vector<json>> System::rest_all(const std::string& path, const std::string& filter) {
    std::vector<json> rows;
    std::string after;
    do {
        std::string target = path + "?limit=200" + (filter.empty() ? "" : "&" + filter);
        if (!after.empty()) target += "&after=" + runtime::percent_encode(after);
        const std::optional<json> page = rest(target);
        if (!page) return std::nullopt;
        for (const json& row : page->at("items"))
            rows.push_back(row);
        after = page->at("next").is_string() ? page->at("next").get<std::string>() : std::string();
    } while (!after.empty());
    return rows;
}

std::optional<json> System::command(const std::string& path, const json& body) {
    const Caller::Reply reply =
        caller_.call("POST", private_url() + "/api/v1" + path, runtime::dump_json(body), token_, seconds(10));
    if (reply.status / 100 != 2) return std::nullopt;
    return parsed(reply.body, "POST /api/v1" + path);
}

runtime::CommandEnd System::sagactl(const std::vector<std::string>& arguments, seconds longest) {
    runtime::ChildPlan plan;
    plan.program = std::filesystem::absolute(bin_) / "sagactl";
    plan.arguments = arguments;
    plan.environment = database_;
    plan.environment["ORDERSAGA_ADMIN_DSN"] = servers_.at("ORDERSAGA_ADMIN_DSN");
    if (const auto keys = secrets_.find("ORDERSAGA_CREDENTIALS_KEYS"); keys != secrets_.end())
        plan.environment[keys->first] = keys->second;
    plan.environment["ORDERSAGA_URL"] = private_url();
    plan.environment["ORDERSAGA_TOKEN"] = token_;
    plan.log = logs() / "sagactl.log";
    return runtime::run_command(plan, longest);
}

std::vector<std::string> System::intakes() const {
    std::vector<std::string> all;
    for (const Program& program : orchestrators_)
        all.push_back(loopback(program.public_port));
    return all;
}

std::vector<std::string> System::urls(const std::string& binary) {
    std::vector<std::string> all;
    for (const Program* program : all_programs()) {
        if (program->binary == binary) all.push_back(program->url);
    }
    return all;
}

std::map<std::string, std::string> System::addresses() const {
    std::map<std::string, std::string> all{
        {"ORDERSAGA_URL", orchestrators_.front().url},
        {"ORDERSAGA_TOKEN", token_},
        {"ORDERSAGA_PUBLIC_URL", public_url_},
        {"ORDERSAGA_WORKER_URL", workers_.front().url},
        {"ORDERSAGA_AMQP_URL", servers_.at("ORDERSAGA_AMQP_URL")},
        {"ORDERSAGA_AMQP_PREFIX", broker_prefix_},
        {"ORDERSAGA_ADMIN_DSN", servers_.at("ORDERSAGA_ADMIN_DSN")},
        {"ORDERSAGA_SANDBOX_URL", sandbox_url_},
        {"ORDERSAGA_SANDBOX_CONTROL_URL", sandbox_url_ + "/control"},
        {"ORDERSAGA_SANDBOX_LEDGER_URL", sandbox_url_ + "/control/ledger"},
        {"ORDERSAGA_WAREHOUSE", catalogue_.warehouse},
        {"ORDERSAGA_LOGS", logs().string()},
    };
    all.insert(database_.begin(), database_.end());
    all.insert(secrets_.begin(), secrets_.end());
    std::string stores;
    for (const Shop& shop : catalogue_.shops)
        stores += (stores.empty() ? "" : ",") + shop.key + "=" + shop.domain;
    all["ORDERSAGA_STORES"] = stores;
    return all;
}

}  // namespace ordersaga::demo
