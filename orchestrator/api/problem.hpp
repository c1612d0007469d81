// Refusals as RFC 9457 problem documents. Their texts are ours or were checked before: never the database's, never a
// stack, never another merchant's.
#pragma once

#include "runtime/http_server.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

namespace ordersaga::api {

// Thrown by a handler; becomes the answer.
class Problem : public std::runtime_error {
public:
    // `retry_after` is told with 429 and 503.
    Problem(int status, const std::string& detail, std::chrono::seconds retry_after = std::chrono::seconds(1))
        : std::runtime_error(detail), status_(status), retry_after_(retry_after) {}
    int status() const noexcept { return status_; }
    std::chrono::seconds retry_after() const noexcept { return retry_after_; }

private:
    int status_;
    std::chrono::seconds retry_after_;
};

// 503 of a command that may have been done all the same.
class OutcomeNotSeen : public Problem {
public:
    explicit OutcomeNotSeen(const std::string& detail) : Problem(503, detail) {}
};

runtime::HttpResponse problem_answer(
    int status,
    const std::string& detail,
    std::chrono::seconds retry_after = std::chrono::seconds(1));

// The one place where what went wrong becomes a status. Logs what the client is not told.
runtime::HttpResponse answer_of_fault(const std::exception_ptr& fault);

}  // namespace ordersaga::api
