// HTTP calls of the demo itself, one after the other: to the sandbox's control API and to the orchestrator's REST API.
// Blocking, main thread only.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::demo {

class Caller {
public:
    Caller();
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    struct Reply {
        int status = 0;    // 0: no answer
        std::string body;  // or why there was none
    };
    // `token` empty: no Authorization. Never throws for what the peer did.
    Reply call(
        const std::string& method,
        const std::string& url,
        const std::string& body,
        const std::string& token,
        std::chrono::milliseconds longest);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::demo
