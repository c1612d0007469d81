// Refusals as RFC 9457 problem documents. Their texts are ours or were checked before: never the database's, never a
// stack, never another merchant's.
#pragma once

#include "runtime/http_server.hpp"

#include <exception>
#include <stdexcept>
#include <string>

namespace ordersaga::api {

// Thrown by a handler; becomes the answer.
class Problem : public std::runtime_error {
public:
    Problem(int status, const std::string& detail) : std::runtime_error(detail), status_(status) {}
    int status() const noexcept { return status_; }

private:
    int status_;
};

runtime::HttpResponse problem_answer(int status, const std::string& detail);

// The one place where what went wrong becomes a status. Logs what the client is not told.
runtime::HttpResponse answer_of_fault(const std::exception_ptr& fault);

}  // namespace ordersaga::api
