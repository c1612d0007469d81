// Which row of the order saga's table a line of the history is: for counting what a simulation reached.
#pragma once

#include "orchestrator/engine/store.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace ordersaga::simulation {

// Absent: the event meant nothing in that state.
std::optional<std::size_t> row_of(const engine::HistoryRow& step);
// "Received -OrderPlaced-> Completed [nothing_to_ship]"
std::string text_of_row(std::size_t row);

}  // namespace ordersaga::simulation
