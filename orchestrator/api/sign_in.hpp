// /session: signing in with name and password, asking who one is, signing out. The page gets a cookie that scripts cannot
// read and a CSRF token that other sites cannot have.
#pragma once

#include "orchestrator/api/gate.hpp"
#include "orchestrator/api/query_threads.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_server.hpp"

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace ordersaga::api {

class SignIn {
public:
    // All references must outlive it. `secure`: the cookie travels over https only.
    SignIn(QueryThreads& queries, Gate& gate, runtime::Clock& clock, bool secure)
        : queries_(queries), gate_(gate), clock_(clock), secure_(secure) {}

    // POST, GET or DELETE. Throws Problem.
    boost::asio::awaitable<runtime::HttpResponse> answer(const runtime::HttpRequest& request);

private:
    boost::asio::awaitable<runtime::HttpResponse> open(const runtime::HttpRequest& request);
    boost::asio::awaitable<runtime::HttpResponse> show(const runtime::HttpRequest& request);
    boost::asio::awaitable<runtime::HttpResponse> close(const runtime::HttpRequest& request);
    Credential session_of(const runtime::HttpRequest& request);
    std::string cookie(const std::string& value, const std::string& attributes) const;

    QueryThreads& queries_;
    Gate& gate_;
    runtime::Clock& clock_;
    const bool secure_;
    // Each takes 32 MiB and a query thread for a good part of a second.
    std::shared_ptr<std::atomic<int>> under_way_ = std::make_shared<std::atomic<int>>(0);
};

std::string_view name_of(Role role);

}  // namespace ordersaga::api
