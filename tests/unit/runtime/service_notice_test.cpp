#include "runtime/service_notice.hpp"

#include "runtime/log.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

namespace ordersaga::runtime {
namespace {

using namespace std::chrono_literals;

// The manager's end of the protocol.
class Manager {
public:
    explicit Manager(const std::string& address) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, address.data(), address.size());
        if (name.sun_path[0] == '@') name.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
        bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&name), length) == 0;
    }
    ~Manager() { ::close(socket_); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    bool bound() const { return bound_; }
    // Empty when nothing comes in time.
    std::string hear(std::chrono::milliseconds longest) const {
        pollfd wait{socket_, POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(longest.count())) != 1) return {};
        char buffer[256];
        const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
        return {buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

private:
    int socket_;
    bool bound_ = false;
};

class ServiceNoticeTest : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override { ASSERT_TRUE(manager_.bound()) << address_; }
    void TearDown() override { std::filesystem::remove(address_); }
    Environment environment(std::map<std::string, std::string> more = {}) const {
        more["NOTIFY_SOCKET"] = address_;
        return fixed_environment(std::move(more));
    }

    const std::string address_ = GetParam() + "-" + std::to_string(::getpid());
    Manager manager_{address_};
};

TEST_P(ServiceNoticeTest, TellsTheManager) {
    const ServiceNotice notice(environment());

    notice.ready();
    notice.stopping();

    EXPECT_EQ(manager_.hear(5s), "READY=1");
    EXPECT_EQ(manager_.hear(5s), "STOPPING=1");
    EXPECT_FALSE(notice.watchdog());
}

TEST_P(ServiceNoticeTest, TheWatchdogIsFedWhileThereIsProgress) {
    const ServiceNotice notice(environment({{"WATCHDOG_USEC", "20000"}}));
    boost::asio::io_context context;
    const Watchdog watchdog(context.get_executor(), notice, [] { return true; });

    int heard = 0;
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (heard < 2 && std::chrono::steady_clock::now() < limit) {
        context.run_for(5ms);
        if (manager_.hear(0s) == "WATCHDOG=1") ++heard;
    }

    EXPECT_EQ(heard, 2);
}

TEST_P(ServiceNoticeTest, TheWatchdogStarvesWhenNothingMoves) {
    const ServiceNotice notice(environment({{"WATCHDOG_USEC", "20000"}}));
    boost::asio::io_context context;
    int asked = 0;
    const Watchdog watchdog(context.get_executor(), notice, [&asked] {
        ++asked;
        return false;
    });

    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (asked < 2 && std::chrono::steady_clock::now() < limit)
        context.run_for(5ms);

    EXPECT_GE(asked, 2);
    EXPECT_EQ(manager_.hear(0s), "");
}

// The variables are inherited by children that the manager does not watch.
TEST_P(ServiceNoticeTest, AnotherProcessesWatchdogIsNotOurs) {
    EXPECT_FALSE(ServiceNotice(environment({{"WATCHDOG_USEC", "20000"}, {"WATCHDOG_PID", "1"}})).watchdog());
    EXPECT_FALSE(ServiceNotice(environment({{"WATCHDOG_USEC", "soon"}})).watchdog());
    EXPECT_EQ(
        ServiceNotice(environment({{"WATCHDOG_USEC", "20000"}, {"WATCHDOG_PID", std::to_string(::getpid())}}))
            .watchdog(),
        20ms);
}

std::string name_of_address(const testing::TestParamInfo<std::string>& given) {
    return given.param.front() == '@' ? "Abstract" : "Path";
}

INSTANTIATE_TEST_SUITE_P(
    Addresses,
    ServiceNoticeTest,
    testing::Values((std::filesystem::temp_directory_path() / "ordersaga-notify").string(), "@ordersaga-notify"),
    name_of_address);

TEST(ServiceNotice, WithoutAManagerNothingHappens) {
    const LogCapture log;
    const ServiceNotice notice(fixed_environment({}));

    notice.ready();

    EXPECT_TRUE(log.lines().empty());
}

TEST(ServiceNotice, AManagerThatIsGoneIsNotOurFailure) {
    const LogCapture log;
    const ServiceNotice notice(fixed_environment({{"NOTIFY_SOCKET", "/no/such/socket"}}));

    notice.ready();

    EXPECT_TRUE(log.contains("the service manager was not told"));
}

}  // namespace
}  // namespace ordersaga::runtime
