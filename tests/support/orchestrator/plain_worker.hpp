// The worker of a world in which nothing ever goes wrong: what each command's outcome is then.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/outcome.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::test {

class PlainWorker {
public:
    // The warehouse has `units` of each of these items, every store shows `units` of everything.
    PlainWorker(std::vector<std::string> warehouse_items, std::int64_t units)
        : warehouse_items_(std::move(warehouse_items)), units_(units) {}

    sagas::Outcome answer(const engine::CommandRow& command) const;

private:
    std::vector<std::string> warehouse_items_;
    std::int64_t units_;
};

}  // namespace ordersaga::test
