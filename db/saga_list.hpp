// Which sagas a page of the list has, newest first. Each kind of question has a statement that reads them off the index that fits
// it: a list of a million is as quick as one of a hundred. One statement for every filter would read all of it for some.
//
// Stateless; may throw DatabaseError.
#pragma once

#include "db/connection.hpp"
#include "orchestrator/api/queries.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::db {

struct SagaList {
    api::SagaFilter filter;
    int most = 0;
    std::optional<std::string> before, before_id;  // the cursor: only what is older than this
};

// The states that sagas stand in and have not ended by, read off the index from one to the next.
inline constexpr std::string_view open_states = R"sql(
    WITH RECURSIVE known AS (
        (SELECT state FROM sagas ORDER BY state LIMIT 1)
        UNION ALL
        SELECT (SELECT state FROM sagas WHERE state > known.state ORDER BY state LIMIT 1) FROM known WHERE state IS NOT NULL)
    SELECT state FROM known WHERE state IS NOT NULL AND NOT EXISTS (SELECT FROM ended_sagas ended WHERE ended.state = known.state))sql";

// Their ids. The transaction sees one merchant.
std::vector<std::string> sagas_of_page(Transaction& transaction, const SagaList& list);

}  // namespace ordersaga::db
