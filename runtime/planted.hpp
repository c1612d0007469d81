// Rules that can be broken on purpose, to see which test notices: if (planted("relay_off")) ...
//
//   ORDERSAGA_PLANTED=relay_off     breaks this rule, for the whole life of the process
//   ORDERSAGA_PLANTED=row:17        takes row 17 out of the order saga's table (the first is row 0)
//   ORDERSAGA_PLANTED=sql           puts the text ORDERSAGA_PLANTED_TO for ORDERSAGA_PLANTED_FROM in every statement
//
// Only in builds of the preset `mutants` (docs/mutants.md). In every other one planted() is the constant false, and nothing of
// it is left in the programs. Thread-safe; never throws but for want of memory.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::runtime {

#ifdef ORDERSAGA_PLANTED_FAULTS

bool planted(std::string_view fault) noexcept;
// The row that is taken out; -1: none.
int planted_row() noexcept;
std::string planted_statement(std::string_view statement);

#else

constexpr bool planted(std::string_view) noexcept {
    return false;
}
inline std::string planted_statement(std::string_view statement) {
    return std::string(statement);
}

#endif

}  // namespace ordersaga::runtime
