// The private handler in front of scripted answers, without socket, database or engine.
#pragma once

#include "orchestrator/api/private_listener.hpp"
#include "runtime/crypto.hpp"
#include "runtime/metrics.hpp"
#include "tests/unit/api/scripted_answers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include <map>

namespace ordersaga::api {

using runtime::HttpRequest;
using runtime::HttpResponse;

class ListenerTest : public testing::Test {
protected:
    ListenerTest() {
        for (const auto& [token, role] : std::map<std::string, Role>{
                 {"reader", Role::read}, {"operator", Role::operator_}, {"admin", Role::admin}}) {
            const std::string hash = runtime::sha256_hex(token);
            script_.tokens[hash] = {{}, token, role, "token." + hash.substr(0, 16), {{{1}, "Shirts"}}};
        }
    }

    static HttpRequest a_request(
        const std::string& method,
        const std::string& target,
        const std::string& token = "admin") {
        HttpRequest request;
        request.method = method;
        request.target = target;
        request.path = target.substr(0, target.find('?'));
        request.remote_address = "127.0.0.1";
        request.headers.emplace_back("Host", "localhost:8081");
        if (target.find('?') != std::string::npos) {
            std::string query = target.substr(target.find('?') + 1);
            for (std::size_t at = 0; at < query.size();) {
                const std::size_t end = std::min(query.find('&', at), query.size());
                const std::string pair = query.substr(at, end - at);
                request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
                at = end + 1;
            }
        }
        if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
        return request;
    }

    static HttpRequest a_command(const std::string& target, const json& body, const std::string& token = "operator") {
        HttpRequest request = a_request("POST", "/api/v1" + target, token);
        request.body = body.dump();
        request.headers.emplace_back("Content-Type", "application/json");
        return request;
    }

    // One listener per test, so that rates and keys under way are seen.
    HttpResponse ask(HttpRequest request) {
        boost::asio::io_context context;
        HttpResponse response;
        boost::asio::co_spawn(
            boost::asio::make_strand(context), handler_(std::move(request)),
            [&](const std::exception_ptr& fault, HttpResponse answer) {
                ASSERT_FALSE(fault);
                response = std::move(answer);
            });
        context.run();
        return response;
    }

    static PrivateListenerOptions options_for(bool& broker_is_up) {
        PrivateListenerOptions options;
        options.commit_wait = std::chrono::milliseconds(50);
        options.most_attempts = [](const std::string& activity) {
            return activity == "RequestFulfillment" ? 12 : 0;
        };
        options.gate.hosts = {"ops.example:8443"};
        options.probes = {{"broker", [&broker_is_up] {
                               return ReadinessPart{broker_is_up, broker_is_up ? "connected" : "away"};
                           }}};
        return options;
    }

    Script script_;
    ScriptedEngine engine_;
    bool broker_is_up_ = true;
    runtime::ManualClock clock_{runtime::Instant{std::chrono::seconds(1'780'000'000)}};
    runtime::Metrics metrics_;
    QueryThreads queries_{[this] { return std::make_unique<ScriptedQueries>(script_); }, 1};
    runtime::HttpHandler handler_ =
        make_private_handler(queries_, engine_, clock_, metrics_, options_for(broker_is_up_));
};

}  // namespace ordersaga::api
