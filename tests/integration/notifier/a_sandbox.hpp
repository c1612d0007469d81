// A sandbox on a thread of its own, with a mail server, controlled over its own HTTP.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/http_client.hpp"
#include "sandbox/sandbox_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::notifier {

class ASandbox {
public:
    explicit ASandbox(sandbox::MailSinkOptions mail = {})
        : http_(context_.get_executor()),
          server_(context_, std::uint16_t{0}, std::uint64_t{3}, clock_),
          mail_port_(server_.listen_for_mail(std::move(mail))),
          thread_([this] { context_.run(); }) {}

    ~ASandbox() {
        boost::asio::post(context_, [this] { server_.stop(); });
        guard_.reset();
        context_.stop();
        thread_.join();
    }

    std::uint16_t mail_port() const { return mail_port_; }
    boost::asio::any_io_executor executor() { return context_.get_executor(); }
    runtime::HttpTransport& http() { return http_; }

    nlohmann::json control(const std::string& method, const std::string& path, const nlohmann::json& body = nullptr) {
        runtime::HttpCall call;
        call.method = method;
        call.url = server_.url() + "/control/" + path;
        call.body = body.is_null() ? std::string() : body.dump();
        const runtime::HttpOutcome outcome =
            boost::asio::co_spawn(context_, http_.send(std::move(call)), boost::asio::use_future).get();
        if (outcome.status < 200 || outcome.status > 299) throw std::runtime_error(path + ": " + outcome.body);
        return nlohmann::json::parse(outcome.body);
    }

    // Effects of a kind, each with what was received as "detail".
    std::vector<nlohmann::json> effects(const std::string& kind) {
        return control("GET", "ledger?limit=100000&kind=" + kind).at("effects").get<std::vector<nlohmann::json>>();
    }

    // Faults of one peer kind; an empty object ends them.
    void spoil(const std::string& peer, const nlohmann::json& rates) {
        control("PUT", "faults", {{"calls", {{peer, rates}}}});
    }

private:
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
    runtime::SystemClock clock_;
    runtime::HttpClient http_;
    sandbox::SandboxServer server_;
    std::uint16_t mail_port_;
    std::thread thread_;
};

}  // namespace ordersaga::notifier
