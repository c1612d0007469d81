// The plain life of one order, step by step, as the saga is told it: what each decision began with and what came of it.
#pragma once

#include "sagas/order_saga.hpp"

#include <string>
#include <vector>

namespace ordersaga::bench {

struct PathStep {
    sagas::SagaSnapshot before;
    sagas::Event event;
    sagas::Decision decision;  // what must come of it
};

struct HappyPath {
    std::vector<PathStep> steps;  // OrderPlaced StockReserved ChannelsUpdated FulfillmentAccepted ShipmentReported
    sagas::Command request;       // what the warehouse was asked
    sagas::Outcome accepted;      // ... and what it answered

    const PathStep& step(const std::string& meaning) const;  // throws when there is none
};

// Of an order of so many lines. Pure: the same every time.
HappyPath happy_path(const sagas::OrderSaga& definition, int lines);

inline constexpr sagas::Instant path_begins{std::chrono::seconds(1'780'300'810)};

}  // namespace ordersaga::bench
