// Prepared statements that go to the server one behind the other: it runs the first while the caller puts the next together,
// and a round trip is waited for only where an answer is read. libpq's pipeline mode, which libpqxx does not offer.
//
// Works inside of a transaction that its owner began, and leaves the connection to the owner with leave() before that is
// ended. One thread at a time. The fault of one statement is thrown by the next ask() or settle(); what was sent behind it
// was not run, and what is sent after it is dropped.
#pragma once

#include "db/parameters.hpp"

#include <libpq-fe.h>

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ordersaga::db {

using Answer = std::shared_ptr<const PGresult>;

class Pipeline {
public:
    // The connection outlives this.
    explicit Pipeline(PGconn* connection) : connection_(connection) {}
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    // Does not wait. `check` is told how many rows changed, when that is known; what it throws is the statement's fault.
    using Check = std::function<void(std::int64_t)>;
    void send(const std::string& statement, const std::vector<const char*>& values, Check check);

    // Waits for this answer and all before it. Throws DatabaseError, or what a check threw.
    Answer ask(const std::string& statement, const std::vector<const char*>& values);

    // Waits until everything is answered. Throws as ask() does.
    void settle();

    // Ends the pipeline: what is still under way is waited for, and its fault forgotten.
    void leave() noexcept;

private:
    struct Statement {
        std::string name;
        bool known = false;  // to the server, for certain
    };
    // What the server will answer next, in its order.
    struct Expected {
        enum class Kind { prepared, executed, synced };
        Kind kind;
        Statement* statement;  // of what is prepared
        Check check;
        bool wanted;
    };

    void enter();
    Statement* prepared(const std::string& text);
    void put(const std::string& text, const std::vector<const char*>& values, Check check, bool wanted);
    void read_all();
    void read(const Expected& expected);
    void take(const Expected& expected, const Answer& answer);
    Answer next_answer();
    void must_send(int accepted);
    [[noreturn]] void throw_lost();

    PGconn* connection_;
    // By their text. Nodes stay where they are while others come.
    std::unordered_map<std::string, Statement> statements_;
    std::deque<Expected> expected_;
    Answer wanted_;
    std::exception_ptr fault_;
    bool entered_ = false;
};

// How many rows a statement changed.
std::int64_t affected_rows(const PGresult* answer);

}  // namespace ordersaga::db
