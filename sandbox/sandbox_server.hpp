// The world over real HTTP: routes calls to shops, warehouses and the control API, spoils them as the faults say, lets
// time pass, and delivers webhooks. One io_context, one thread.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/http_client.hpp"
#include "sandbox/control_api.hpp"
#include "sandbox/mail_sink.hpp"
#include "sandbox/peer_server.hpp"
#include "sandbox/world.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace ordersaga::sandbox {

class SandboxServer {
public:
    // Listens at once on 127.0.0.1; throws when the port is taken. The clock must outlive it.
    SandboxServer(boost::asio::io_context& context, std::uint16_t port, std::uint64_t seed, runtime::Clock& clock);
    ~SandboxServer();
    SandboxServer(const SandboxServer&) = delete;
    SandboxServer& operator=(const SandboxServer&) = delete;

    [[nodiscard]] std::string url() const;
    // The text of a --setup file. Empty on success, else what is wrong.
    std::string set_up(const std::string& json_text);
    // A mail server beside, for as long as this lives. Returns its port; throws as MailSink does.
    std::uint16_t listen_for_mail(MailSinkOptions options);
    void stop();

private:
    PeerReply answer(const PeerRequest& request);
    PeerReply answer_control(const PeerRequest& request);
    PeerReply answer_shopify(const PeerRequest& request);
    PeerReply answer_oauth(Shop& shop, const PeerRequest& request, const std::string& endpoint);
    PeerReply answer_shipbob(const PeerRequest& request);
    PeerReply answer_hook(const PeerRequest& request);
    PeerReply turn_away(runtime::Instant now);
    PeerReply hide_an_error();
    template <class Serve, class Throttle>
    PeerReply spoil(const std::string& peer_kind, const std::string& peer, Serve serve, Throttle throttle);
    void tick();
    void send_due();

    boost::asio::io_context& context_;
    runtime::Clock& clock_;
    World world_;
    ControlApi control_;
    runtime::HttpClient client_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<PeerServer> server_;
    std::unique_ptr<MailSink> mail_;
    runtime::SeededRandom shapes_;  // which of several real shapes a fault takes
    bool stopping_ = false;
};

}  // namespace ordersaga::sandbox
