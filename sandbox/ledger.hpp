// Everything that really happened in the stand-in world, in order: the witness against the product.
//
// Append-only, in memory, single-threaded. Written by the stores and warehouses when an effect is applied, never by
// the product; read through the control API. A replayed call is recorded too, with `replay` set and no second effect.
#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::sandbox {

struct Effect {
    std::int64_t number = 0;  // set by the ledger, from 1
    runtime::Instant at;
    std::string peer;       // "shopify:blue.myshopify.com", "shipbob:main"
    std::string kind;       // "inventory_adjusted", "fulfillment_order_created", …; the list is in docs/sandbox.md
    std::string key;        // idempotency key or tracking number, when there is one
    std::string reference;  // order id, warehouse reference or inventory item
    std::string detail;     // a JSON object as text
    bool replay = false;
};

// Calls that a peer received, by operation, whatever became of them.
struct CallCount {
    std::int64_t received = 0;
    std::int64_t refused = 0;  // answered, but with an error of the peer's rules (not an injected fault)
    bool is_write = false;
};

class Ledger {
public:
    void record(Effect effect);
    void count_call(const std::string& peer, const std::string& operation, bool is_write, bool refused);
    void clear();

    // Effects with a number above `after`, oldest first, at most `limit`.
    [[nodiscard]] std::vector<Effect> after(std::int64_t after, std::size_t limit) const;
    [[nodiscard]] const std::vector<Effect>& effects() const noexcept { return effects_; }
    [[nodiscard]] const std::map<std::string, std::map<std::string, CallCount>>& calls() const noexcept {
        return calls_;
    }

private:
    std::vector<Effect> effects_;
    std::map<std::string, std::map<std::string, CallCount>> calls_;
};

}  // namespace ordersaga::sandbox
