// Threads that talk to the database, so that the threads of the sockets never wait for it. A connection belongs to its
// thread; a bounded queue stands before them, and what does not fit is refused at once.
#pragma once

#include "orchestrator/api/queries.hpp"
#include "runtime/completion.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

namespace ordersaga::api {

// Too many questions at once, or no answer in time.
class QueryRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class QueryThreads {
public:
    // `factory` runs once on each thread.
    QueryThreads(QueriesFactory factory, std::size_t threads = 4, std::size_t longest_queue = 256);
    ~QueryThreads();  // answers what waits with QueryRefused
    QueryThreads(const QueryThreads&) = delete;
    QueryThreads& operator=(const QueryThreads&) = delete;

    // Runs `question` on one of the threads and gives its answer, or rethrows what it threw. Await it from a strand.
    template <class Answer>
    boost::asio::awaitable<Answer> ask(std::function<Answer(Queries&)> question) {
        const runtime::Completion<Answered<Answer>> answered;
        const bool taken = post([answered, question = std::move(question)](Queries* queries) {
            Answered<Answer> result;
            try {
                if (queries == nullptr) throw QueryRefused("the service is stopping");
                result.answer.emplace(question(*queries));
            } catch (...) {
                result.fault = std::current_exception();
            }
            answered.complete(std::move(result));
        });
        if (!taken) throw QueryRefused("too many questions at once");
        std::optional<Answered<Answer>> result = co_await answered.wait_for(longest_wait);
        if (!result) throw QueryRefused("the database takes too long");
        if (result->fault) std::rethrow_exception(result->fault);
        co_return std::move(*result->answer);
    }

private:
    static constexpr std::chrono::milliseconds longest_wait{3'500};

    template <class Answer>
    struct Answered {
        std::optional<Answer> answer;
        std::exception_ptr fault;
    };
    using Job = std::function<void(Queries*)>;

    bool post(Job job);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::api
