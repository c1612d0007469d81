#include "supervisor/servers.hpp"

#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "supervisor/data_directory.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace ordersaga::supervisor {
namespace {

using std::chrono::seconds;
namespace files = std::filesystem;

constexpr const char* postgresql_home = "/usr/lib/postgresql";
// Not the wrapper in /usr/sbin, which refuses every user but its own.
constexpr const char* rabbitmq_program = "/usr/lib/rabbitmq/bin/rabbitmq-server";
constexpr const char* database_user = "ordersaga_admin";

std::string password() {
    return runtime::random_token(24);
}

std::string set_up_before() {
    throw std::logic_error("the servers are set up in another sequence");
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// What the server at this port answers to `greeting`; nullopt when nobody listens.
std::optional<std::string> answer_at(int port, std::string_view greeting) {
    const int socket_id = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    std::optional<std::string> answer;
    if (::connect(socket_id, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        answer.emplace();
        pollfd wait{socket_id, POLLIN, 0};
        char buffer[16];
        if (!greeting.empty() && ::send(socket_id, greeting.data(), greeting.size(), MSG_NOSIGNAL) > 0 &&
            ::poll(&wait, 1, 500) == 1) {
            const ssize_t count = ::recv(socket_id, buffer, sizeof buffer, 0);
            answer->assign(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        }
    }
    ::close(socket_id);
    return answer;
}

// The port of an earlier run, or another one when somebody has taken it meanwhile.
std::string port_of(DataDirectory& data, const std::string& name) {
    const auto make = [&data] {
        std::string port = std::to_string(runtime::free_port());
        while (data.keeps(port))
            port = std::to_string(runtime::free_port());
        return port;
    };
    const std::string port = data.kept(name, make);
    if (!answer_at(std::stoi(port), "")) return port;
    data.keep(name, make());
    runtime::log_warn("port is taken, another is used", {{"name", name}, {"port", port}});
    return data.kept(name, make);
}

// --- PostgreSQL ------------------------------------------------------------------------------------------------------

// Of the version that made the data, or else the newest.
files::path postgresql_programs(const files::path& cluster) {
    std::string version;
    std::ifstream(cluster / "PG_VERSION") >> version;
    const bool fixed = !version.empty();
    if (!fixed && files::is_directory(postgresql_home)) {
        int newest = 0;
        for (const files::directory_entry& entry : files::directory_iterator(postgresql_home))
            newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
        version = std::to_string(newest);
    }
    const files::path programs = files::path(postgresql_home) / version / "bin";
    if (files::exists(programs / "postgres") && files::exists(programs / "initdb")) return programs;
    throw NotUsable(
        fixed ? "the data is of PostgreSQL " + version + ", which is not installed: apt install postgresql-" + version
              : "PostgreSQL's server is not installed: apt install postgresql");
}

// Whole or not at all: a cluster whose making was cut off is made anew.
void make_cluster(DataDirectory& data, const files::path& programs, const files::path& cluster) {
    const files::path draft = cluster.string() + ".new";
    const files::path password_file = cluster.string() + ".password";
    files::remove_all(draft);
    write_private_file(password_file, data.kept("database_password", password) + "\n");
    runtime::ChildPlan plan;
    plan.program = programs / "initdb";
    plan.arguments = {
        "--pgdata=" + draft.string(),
        "--username=" + std::string(database_user),
        "--pwfile=" + password_file.string(),
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions"};
    plan.log = data.folder("log") / "initdb.log";
    const runtime::CommandEnd end = runtime::run_command(plan, seconds(300));
    files::remove(password_file);
    if (end.status != 0) throw std::runtime_error("initdb failed: " + end.output);
    files::rename(draft, cluster);
    runtime::log_info("database cluster made", {{"folder", cluster.string()}});
}

}  // namespace

Service postgresql(DataDirectory& data) {
    const files::path cluster = data.folder("postgresql") / "data";
    const files::path programs = postgresql_programs(cluster);
    if (!files::exists(cluster)) make_cluster(data, programs, cluster);
    const std::string port = port_of(data, "database_port");
    const files::path log = data.folder("log");
    Service service;
    service.name = "postgresql";
    service.plan.program = programs / "postgres";
    service.plan.arguments = {"-D", cluster.string()};
    // A week of logs, each day's file written over a week later.
    for (const std::string& setting :
         {std::string("listen_addresses=127.0.0.1"), "port=" + port, std::string("unix_socket_directories="),
          std::string("fsync=on"), std::string("full_page_writes=on"), std::string("synchronous_commit=on"),
          std::string("logging_collector=on"), "log_directory=" + log.string(),
          std::string("log_filename=postgresql-%a.log"), std::string("log_truncate_on_rotation=on"),
          std::string("log_rotation_age=1d"), std::string("log_rotation_size=0")}) {
        service.plan.arguments.insert(service.plan.arguments.end(), {"-c", setting});
    }
    service.plan.environment = {{"NOTIFY_SOCKET", ""}};
    service.plan.log = log / "postgresql.log";
    const runtime::ChildPlan ask{
        programs / "pg_isready", {"--quiet", "--host=127.0.0.1", "--port=" + port}, {}, log / "pg_isready.log"};
    service.ready = [ask] {
        return runtime::run_command(ask, seconds(10)).status == 0;
    };
    service.ready_within = seconds(120);  // it may have to read a long log after a crash
    service.stop_signal = SIGINT;         // without waiting for clients
    service.stop_within = seconds(60);
    return service;
}

// --- RabbitMQ --------------------------------------------------------------------------------------------------------

Service port_mapper(DataDirectory& data) {
    Service service;
    service.name = "epmd";
    service.plan.program = "/usr/bin/epmd";
    if (!files::exists(service.plan.program))
        throw NotUsable("Erlang's port mapper is not installed: apt install rabbitmq-server");
    const std::string port = port_of(data, "mapper_port");
    service.plan.arguments = {"-port", port, "-address", "127.0.0.1"};
    service.plan.log = data.folder("log") / "epmd.log";
    service.ready = [port] {
        return answer_at(std::stoi(port), "").has_value();
    };
    return service;
}

Service rabbitmq(DataDirectory& data) {
    if (!files::exists(rabbitmq_program)) throw NotUsable("RabbitMQ is not installed: apt install rabbitmq-server");
    const files::path home = data.folder("rabbitmq");
    const files::path log = data.folder("log");
    const std::string port = port_of(data, "broker_port");
    const files::path cookie = home / ".erlang.cookie";
    if (!files::exists(cookie)) {
        write_private_file(cookie, password());
        files::permissions(cookie, files::perms::owner_read);
    }
    write_private_file(
        home / "rabbitmq.conf",
        "listeners.tcp.local = 127.0.0.1:" + port +
            "\ndefault_user = ordersaga\ndefault_pass = " + data.kept("broker_password", password) +
            "\ndefault_vhost = ordersaga\ndefault_permissions.configure = .*\n"
            "default_permissions.read = .*\ndefault_permissions.write = .*\n"
            "log.console = false\nlog.file.rotation.date = $D0\nlog.file.rotation.count = 7\n");
    write_private_file(home / "enabled_plugins", "[].\n");

    Service service;
    service.name = "rabbitmq";
    service.plan.program = rabbitmq_program;
    // RUNNING_UNDER_SYSTEMD: the script becomes the Erlang machine, so that the process we watch is the broker's own. Long
    // names: an address instead of a host name that must resolve.
    service.plan.environment = {
        {"HOME", home},
        {"LANG", "C.UTF-8"},
        {"RUNNING_UNDER_SYSTEMD", "true"},
        {"NOTIFY_SOCKET", ""},
        {"RABBITMQ_USE_LONGNAME", "true"},
        {"RABBITMQ_NODENAME", "ordersaga@127.0.0.1"},
        {"RABBITMQ_DIST_PORT", port_of(data, "distribution_port")},
        {"ERL_EPMD_PORT", data.kept("mapper_port", set_up_before)},
        {"ERL_EPMD_ADDRESS", "127.0.0.1"},
        {"RABBITMQ_MNESIA_BASE", home / "data"},
        {"RABBITMQ_LOG_BASE", log},
        {"RABBITMQ_CONFIG_FILE", home / "rabbitmq.conf"},
        {"RABBITMQ_ADVANCED_CONFIG_FILE", home / "advanced.config"},
        {"RABBITMQ_ENABLED_PLUGINS_FILE", home / "enabled_plugins"},
        {"RABBITMQ_CONF_ENV_FILE", "/dev/null"},
        {"RABBITMQ_PID_FILE", home / "broker.pid"},
        {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
         "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"},
    };
    service.plan.log = log / "rabbitmq-console.log";
    // It answers a wrong protocol header with the one it speaks; a bare connect would succeed too early.
    service.ready = [port] {
        return answer_at(std::stoi(port), std::string_view("AMQP\0\0\0\0", 8)).value_or("").starts_with("AMQP");
    };
    service.ready_within = seconds(120);
    service.stop_within = seconds(60);
    return service;
}

ServerAddresses addresses(DataDirectory& data) {
    return {
        "postgresql://" + std::string(database_user) + ":" + data.kept("database_password", set_up_before) +
            "@127.0.0.1:" + data.kept("database_port", set_up_before) + "/postgres",
        "amqp://ordersaga:" + data.kept("broker_password", set_up_before) +
            "@127.0.0.1:" + data.kept("broker_port", set_up_before) + "/ordersaga"};
}

}  // namespace ordersaga::supervisor
