#include "supervisor/programs.hpp"

#include "runtime/random.hpp"
#include "supervisor/data_directory.hpp"
#include "supervisor/servers.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace ordersaga::supervisor {
namespace {

using std::chrono::seconds;

constexpr int schema_is_newer = 6;  // sagactl's exit code

// The service manager's end of runtime/service_notice.hpp, for one program.
class Notices {
public:
    Notices() : name_("@ordersaga-" + runtime::random_token(12)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name_.data(), name_.size());
        address.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0)
            throw std::system_error(errno, std::generic_category(), "cannot listen to the programs");
    }
    ~Notices() { ::close(socket_); }
    Notices(const Notices&) = delete;
    Notices& operator=(const Notices&) = delete;

    const std::string& name() const { return name_; }
    bool ready() const {
        char buffer[64];
        const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
        return count > 0 && std::string_view(buffer, static_cast<std::size_t>(count)) == "READY=1";
    }

private:
    std::string name_;
    int socket_ = -1;
};

}  // namespace

std::map<std::string, std::string> migrate(
    DataDirectory& data,
    const std::filesystem::path& programs,
    const ServerAddresses& servers) {
    const std::filesystem::path kept = data.path() / "database.env";
    runtime::ChildPlan plan;
    plan.program = programs / "sagactl";
    plan.arguments = {"migrate", "--bootstrap", "ordersaga", "--write-env", kept.string()};
    plan.environment = {{"ORDERSAGA_ADMIN_DSN", servers.admin_dsn}};
    plan.log = data.folder("log") / "migrate.log";
    const runtime::CommandEnd end = runtime::run_command(plan, seconds(600));
    const std::string complaint = "the database cannot be brought to this version: " + end.output;
    if (end.status == schema_is_newer) throw NotUsable(complaint);
    if (end.status != 0) throw std::runtime_error(complaint);
    return read_variables(kept);
}

Service program(
    const std::string& name,
    const std::filesystem::path& programs,
    const std::filesystem::path& settings,
    const std::map<std::string, std::string>& database,
    const ServerAddresses& servers) {
    const auto notices = std::make_shared<Notices>();
    Service service;
    service.name = name;
    service.plan.program = programs / name;
    service.plan.arguments = {"--config", settings.string()};
    service.plan.environment = {
        {"ORDERSAGA_ENGINE_DSN", database.at("ORDERSAGA_ENGINE_DSN")},
        {"ORDERSAGA_API_DSN", database.at("ORDERSAGA_API_DSN")},
        {"ORDERSAGA_DATABASE_DSN", database.at("ORDERSAGA_WORKER_DSN")},
        {"ORDERSAGA_NOTIFIER_DSN", database.at("ORDERSAGA_NOTIFIER_DSN")},
        {"ORDERSAGA_AMQP_URL", servers.amqp_url},
        {"ORDERSAGA_BROKER_URL", servers.amqp_url},
        {"NOTIFY_SOCKET", notices->name()},
    };
    service.ready = [notices] {
        return notices->ready();
    };
    service.hopeless_status = 2;  // wrong settings
    return service;
}

}  // namespace ordersaga::supervisor
