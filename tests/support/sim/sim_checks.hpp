// The CHECKs of db/migrations, as functions that throw engine::BadItem.
#pragma once

#include "tests/support/sim/sim_tables.hpp"

#include <string>

namespace ordersaga::sim {

// What is violated is put into words only then: these run at every statement.
void violated(const std::string& constraint);
inline void require(bool holds, const char* constraint) {
    if (!holds) violated(constraint);
}
void require_uuid(const std::string& text, const char* column);
// PostgreSQL can store no NUL in a text.
void require_text(const std::string& text, const char* column);
void require_one_of(const std::string& value, std::initializer_list<const char*> allowed, const char* column);
bool is_decimal(const std::string& text);

void check(const engine::SagaRow& row);
void check(const engine::CommandRow& row);
void check(const engine::LaneRow& row);
void check(const orders::StoreRow& row);
void check(const orders::WarehouseRow& row);
void check(const orders::SkuRow& row);
void check(const orders::StockRow& row);
void check(const orders::MovementRow& row);
void check(const orders::ReservationRow& row);
void check(const orders::ListingRow& row);
void check(const orders::ListingMove& row);
void check(const orders::ReceiptRow& row);

}  // namespace ordersaga::sim
