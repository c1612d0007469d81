// Sagas, their history and an outbox in a database of their own, and steps of these sagas in batches. One thread.
#pragma once

#include "db/connection.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::bench {

// Owns the database ordersaga_bench_limits: made anew, dropped at the end.
class BareDatabase {
public:
    // Throws std::runtime_error when the server would lose what it has committed.
    explicit BareDatabase(std::string admin_dsn);
    ~BareDatabase();
    BareDatabase(const BareDatabase&) = delete;
    BareDatabase& operator=(const BareDatabase&) = delete;

    // Batches for so long; answers steps a second.
    double run_for(double seconds);
    // Every step that was counted is in the tables. Throws std::runtime_error.
    void check_rows();

    static constexpr int batch = 300;  // the engine's default batch_limit

private:
    void step_batch();

    std::string admin_dsn_;
    std::unique_ptr<db::Connection> connection_;
    // A part of the sagas that is stepped together: what of its statements stays the same.
    struct Part {
        db::Parameter ids, data;
        std::int64_t version = 0;
    };
    std::vector<Part> parts_;
    std::size_t next_part_ = 0;
    std::int64_t steps_ = 0;
};

}  // namespace ordersaga::bench
