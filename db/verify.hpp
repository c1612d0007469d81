// The laws, checked over the stored rows: what an auditor with nothing but the database would ask. Written from the
// promises, not from the engine: nothing here shares a rule with the code it judges. Reads only, each law in one
// statement and so in one snapshot; safe at any time, also beside running services.
#pragma once

#include "db/session.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::db {

struct Finding {
    std::string law;   // "L1" to "L11"
    std::string row;   // "stock 1/SHIRT/main", "saga 0190...": what kind of row, and its key
    std::string text;  // what it says and what it should say
};

struct LawResult {
    std::string law;
    std::string_view promise;       // one line
    std::int64_t broken = 0;        // rows at fault
    std::vector<Finding> findings;  // the first of them, by row
    bool holds() const noexcept { return broken == 0; }
};

struct VerifyOptions {
    // Nothing comes in any more and nothing is under way: then stores and stock must agree in full (L8), every order
    // has come to rest (L7), and that is checked too.
    bool at_rest = false;
    int findings_per_law = 100;
};

// All eleven, in order. The login is ordersaga_engine (it must see all merchants). Throws DatabaseError.
std::vector<LawResult> verify(Session& session, const VerifyOptions& options = {});

}  // namespace ordersaga::db
