// What a Shopify Admin GraphQL answer means: three layers of errors, one verdict.
//
// Purpose: a refusal may hide in the HTTP status, in the top-level `errors` or in the root field's `userErrors`, and an
// applied mutation may still carry top-level errors. Success is: data.<root> is not null and its userErrors are empty.
// Pure functions; safe from any thread; no exceptions.
#pragma once

#include "activities/peer.hpp"
#include "activities/shopify/documents.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::activities {
struct LaneReport;
}

namespace ordersaga::activities::shopify {

enum class Verdict {
    ok,           // root is there and has no user errors; a read's root may be null: no such object
    user_errors,  // root is there; the call's own meaning decides (see user_errors)
    refused,      // permanent: our request or our version is wrong
    retryable,    // surely nothing happened, or a read failed
    throttled,    // nothing happened; wait
    unknown,      // a write may have happened
    blocked,      // token, scope, frozen or locked shop: stop this store
    expired       // send_before or the deadline had passed; not sent
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

struct UserError {
    std::vector<std::string> field;  // indices come as text
    std::string message;
    std::string code;  // often absent
};

struct Cost {
    std::optional<double> requested, actual, maximum_available, currently_available, restore_rate;
};

struct Answer {
    Verdict verdict = Verdict::unknown;
    std::string reason;
    std::string code;     // the first top-level error's code
    nlohmann::json root;  // data.<root>; null when there is none
    std::vector<UserError> user_errors;
    Cost cost;
    std::chrono::milliseconds wait{0};  // throttled
};

[[nodiscard]] Answer read_answer(const Document& document, const PeerAnswer& answer);

// (requested - available) / restore rate; a second when the body tells no cost.
[[nodiscard]] std::chrono::milliseconds throttle_wait(const Cost& cost);

// Adds the answer's cost to what the command reports about its lane.
void note_cost(const Answer& answer, LaneReport& lane);

[[nodiscard]] std::string shown(const std::vector<UserError>& errors);

// ----------------------------------------------------------------------------------------------------- stock flush

struct FlushRow {
    std::string item_gid, location_gid;
    std::int64_t delta = 0;
};

struct RefusedRow {
    std::size_t index = 0;
    std::string code, message;
};

// What became of each row of an inventoryAdjustQuantities call.
struct FlushResult {
    enum class Kind {
        settled,    // applied, uncertain and refused say all
        in_flight,  // the same key is being worked on: ask again with the same key
        failed,     // the store failed before applying: repeat with the same key
        broken      // the whole call is wrong, or the key was used for something else
    };
    Kind kind = Kind::settled;
    std::vector<std::size_t> applied, uncertain;
    std::vector<RefusedRow> refused;
    std::string reason;
};

// The rows of a request body; nullopt when it is no inventoryAdjustQuantities request.
[[nodiscard]] std::optional<std::vector<FlushRow>> rows_of_request(std::string_view body);
// answer.verdict must be ok or user_errors.
[[nodiscard]] FlushResult settle_flush(const std::vector<FlushRow>& rows, const Answer& answer);

// ------------------------------------------------------------------------------------------------------------- ids

// "gid://shopify/Order/1" from "1" or from itself.
[[nodiscard]] std::string gid(std::string_view type, std::string_view id);
// "1" from "gid://shopify/Order/1" or from itself; a query part is cut.
[[nodiscard]] std::string number_of_gid(std::string_view gid);

}  // namespace ordersaga::activities::shopify
