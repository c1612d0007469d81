// What stores and operators ask about personal data, and the answers: everything that is known of some orders, or its
// erasure. Asked for by customers/data_request, customers/redact and shop/redact (orders/rows.hpp) or by `sagactl privacy`.
//
// An erasure never stops an order that is under way. Its webhook bodies go at once; its address goes as soon as the
// warehouse has accepted what was asked of it; every other text about it (names, tracking, reasons, errors) goes when it is
// final. What the ledger and its laws need stays: ids, SKUs, quantities, states, times. Why so: docs/adr/0009.
#pragma once

#include "db/session.hpp"
#include "runtime/sealing.hpp"
#include "sagas/ids.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::db {

struct PrivacyRequestRow {
    sagas::MerchantId merchant;
    sagas::StoreId store_id;
    std::int64_t request_id = 0;
    std::string merchant_name, store;  // the store's key
    std::string kind;                  // data_request | customer | shop
    std::string reference;
    std::vector<std::string> orders;
    Instant asked_at{};
    std::optional<Instant> done_at;
};

// Newest first; without `done_too` only those that wait.
std::vector<PrivacyRequestRow> privacy_requests(Transaction& transaction, bool done_too);

// Asks for the erasure of these orders, or, without any, of all that the store has. Audited; done by erase_asked().
// Empty: there is no such store.
std::optional<std::int64_t> ask_erasure(
    Transaction& transaction,
    const std::string& merchant_name,
    const std::string& store,
    const std::vector<std::string>& orders,
    const std::string& actor,
    const std::string& reason);

// Everything that is kept about the orders of a request, opened: the person, the document, the way it went, the bodies
// that its store sent. An order that is not known is left out.
nlohmann::json exported(Transaction& transaction, const runtime::KeyRing& ring, const PrivacyRequestRow& request);

// A data request was answered: closes it and its incident, and notes who did so.
void note_exported(
    Transaction& transaction,
    const PrivacyRequestRow& request,
    const std::string& actor,
    const std::string& reason);

// Sealed from now on: the addresses that an earlier build kept in the data of sagas which are still open. How many. To be
// called before the engine runs; safe to repeat.
std::int64_t seal_older_addresses(Session& session, const runtime::KeyRing& ring);

struct Erased {
    std::int64_t orders = 0, bodies = 0, requests = 0, keys = 0;
    bool any() const { return orders + bodies + requests + keys > 0; }
};

// Goes on with every erasure that was asked for, one order a transaction. Safe to repeat, and from several programs at once;
// ends early when `go_on` says no. What must wait for an open order is taken up again by the next call.
Erased erase_asked(Session& session, const std::function<bool()>& go_on);

}  // namespace ordersaga::db
