// The schema as a page, drawn from a migrated database's own catalogue, so that it cannot tell something else than the
// migrations made. The same schema gives the same bytes. Reads only; one thread.
#pragma once

#include "db/connection.hpp"

#include <string>

namespace ordersaga::db {

// Markdown: an entity-relationship diagram (Mermaid) with the key columns, then every table with its columns, keys and
// checks. Left out are the months of partitioned tables and the list of applied migrations.
std::string schema_page(Transaction& transaction);

}  // namespace ordersaga::db
