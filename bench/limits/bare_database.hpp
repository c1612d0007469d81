// Sagas, their history and an outbox in a database of their own, and steps of these sagas in batches. One thread.
#pragma once

#include "bench/own_database.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::bench {

class BareDatabase {
public:
    // Throws std::runtime_error when the server would lose what it has committed.
    explicit BareDatabase(const std::string& admin_dsn);

    // Batches for so long; answers steps a second.
    double run_for(double seconds);
    // Every step that was counted is in the tables. Throws std::runtime_error.
    void check_rows();

    static constexpr int batch = 300;  // the engine's default batch_limit

private:
    void step_batch();

    OwnDatabase database_;
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
