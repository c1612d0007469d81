// The neutral warehouse port: what a warehouse can be asked for, whatever its product is called.
//
// Purpose: the worker and the saga speak these types only; an adapter (shipbob/) translates. Outcomes are typed
// variants, so that a caller cannot forget "the write may have happened".
// Thread: every operation is a coroutine on the caller's executor; an adapter serves one executor.
// Errors: never thrown for what a peer does; they are alternatives of the outcome.
// Repeat: find, get, stock, resolve are reads. submit is safe to repeat with the same reference, cancel always.
#pragma once

#include "runtime/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ordersaga::activities {
class CallScope;
}

namespace ordersaga::activities::wms {

// ---------------------------------------------------------------------------------------------- what is asked for

struct Address {
    std::string address1, address2, city, company, state, zip, country;  // country: ISO alpha-2
};

struct Recipient {
    std::string name, email, phone;
    Address address;
};

struct RequestLine {
    std::string line_id;                  // our own line id, echoed where the warehouse allows it
    std::string sku;                      // the merchant's
    std::optional<std::int64_t> item_id;  // the warehouse's id; must be resolved before, names create products
    std::int64_t quantity = 0;
    std::optional<std::string> unit_price;  // decimal text
};

struct Tag {
    std::string name, value;
};

struct FulfillmentRequest {
    std::string reference;       // ours, [A-Za-z0-9._-]{1,100}, ends in the generation, never in the attempt
    std::string request_key;     // UUIDv4 stored before the first try; for warehouses that take a key header
    std::string display_number;  // shown to people, "#1001"
    Recipient recipient;
    std::vector<RequestLine> lines;
    std::string ship_method;
    std::optional<std::int64_t> location_id;
    std::vector<Tag> tags;
};

// true when the text may travel in a query and a path of every warehouse we know.
[[nodiscard]] bool is_valid_reference(const std::string& reference);

// ------------------------------------------------------------------------------------------------ what comes back

enum class FulfillmentState {
    accepted,
    in_progress,
    on_hold,
    backordered,
    needs_attention,
    partly_shipped,
    shipped,
    delivered,
    delivery_problem,
    cancelled,
    unknown
};
[[nodiscard]] const char* name_of(FulfillmentState state);

enum class Cancellable { yes, no, unknown };
[[nodiscard]] const char* name_of(Cancellable cancellable);

struct Tracking {
    std::string carrier, number, url;
};

struct ViewLine {
    std::optional<std::int64_t> item_id;
    std::string sku;
    std::int64_t quantity = 0;
};

struct ShipmentView {
    std::string id;
    FulfillmentState state = FulfillmentState::unknown;
    std::string peer_state;            // as the warehouse said it
    std::vector<std::string> details;  // "303 OutOfStock"
    std::string location;
    std::vector<Tracking> tracking;
    std::vector<ViewLine> lines;
};

struct Problem {
    std::string code, text, sku;
    bool retriable = false;
};

struct FulfillmentView {
    std::string id;  // the warehouse's, as text
    std::string reference;
    FulfillmentState state = FulfillmentState::unknown;
    std::string peer_state;
    std::vector<ViewLine> lines;
    std::vector<ShipmentView> shipments;
    std::vector<Problem> problems;
    Cancellable cancellable = Cancellable::unknown;
    Recipient recipient;
    std::optional<runtime::Instant> changed_at;  // the latest change the peer names
};

// A missing figure is not zero.
struct StockLevel {
    std::string sku;
    std::int64_t item_id = 0;  // the id that goes into an order
    std::optional<std::int64_t> fulfillable, on_hand, committed, backordered, awaiting;
};

struct ResolvedSku {
    std::string sku;
    std::int64_t item_id = 0;  // goes into an order
};

struct Resolution {
    std::vector<ResolvedSku> found;
    std::vector<std::string> missing;
};

enum class DuplicatePolicy { refuse, replay, upsert };

struct Capabilities {
    DuplicatePolicy duplicates = DuplicatePolicy::refuse;
    bool request_key_header = false, find_by_reference = false, stock_per_location = false, retry = false,
         partial_cancel = false, event_log = false, signed_webhooks = false;
};

// ------------------------------------------------------------------------------------------------- what went wrong

// Surely nothing happened (or only a read failed): back off and repeat.
struct Retryable {
    std::string reason;
};
// A write may have happened: look by reference first, then repeat with the same reference.
struct OutcomeUnknown {
    std::string reason;
};
// Not an attempt: pause everything that uses this credential.
struct Throttled {
    std::chrono::milliseconds after{0};
    std::string reason;
};
// send_before or the deadline has passed; this call was not sent.
struct Expired {
    std::string reason;
};
struct FieldProblem {
    std::string field, message;
};
// The peer will never take this request.
struct Permanent {
    int status = 0;
    std::vector<FieldProblem> problems;
    std::string reason;
};
struct NotFound {
    std::string reason;
};
// The credential is refused: stop the lane, burn no attempts.
struct AuthConfig {
    int status = 0;
    std::string reason;
};
struct Unsupported {
    std::string operation;
};

using Failure =
    std::variant<Retryable, OutcomeUnknown, Throttled, Expired, Permanent, NotFound, AuthConfig, Unsupported>;

// ------------------------------------------------------------------------------------------------------- outcomes

struct Created {
    FulfillmentView view;
};
// The effect was there before this call: success.
struct AlreadyDone {
    FulfillmentView view;
};
// Same reference, other content: a person must look.
struct Conflict {
    FulfillmentView view;
    std::string reason;
};
struct Cancelled {
    FulfillmentView view;
};
// Refused by the order's state: it ships.
struct TooLate {
    FulfillmentView view;
};
// Some shipments are cancelled, others are not.
struct PartlyCancelled {
    FulfillmentView view;
};

using SubmitOutcome = std::variant<Created, AlreadyDone, Conflict, Failure>;
using CancelOutcome = std::variant<Cancelled, AlreadyDone, TooLate, PartlyCancelled, Failure>;
using FindOutcome = std::variant<std::optional<FulfillmentView>, Failure>;  // nullopt: surely none visible now
using GetOutcome = std::variant<FulfillmentView, Failure>;
using StockOutcome = std::variant<std::vector<StockLevel>, Failure>;
using ResolveOutcome = std::variant<Resolution, Failure>;

// All fulfilments changed since an instant, the longest unchanged first.
struct Changes {
    std::vector<FulfillmentView> views;
    runtime::Instant until{};  // up to here nothing is missing, by the peer's clock
};
using ChangesOutcome = std::variant<Changes, Failure>;

// ----------------------------------------------------------------------------------------------------------- port

class Wms {
public:
    virtual ~Wms() = default;

    [[nodiscard]] virtual Capabilities capabilities() const = 0;

    // lookup_first: an earlier attempt may have reached the warehouse; ask by reference before sending.
    virtual boost::asio::awaitable<SubmitOutcome> submit(
        FulfillmentRequest request,
        bool lookup_first,
        CallScope& scope) = 0;
    virtual boost::asio::awaitable<FindOutcome> find(std::string reference, CallScope& scope) = 0;
    virtual boost::asio::awaitable<GetOutcome> get(std::string id, CallScope& scope) = 0;
    // id may be empty when only the reference is known.
    virtual boost::asio::awaitable<CancelOutcome> cancel(std::string id, std::string reference, CallScope& scope) = 0;
    // By the ids that go into an order; an id the warehouse does not know is left out. Empty: everything it has.
    virtual boost::asio::awaitable<StockOutcome> stock(std::vector<std::int64_t> item_ids, CallScope& scope) = 0;
    virtual boost::asio::awaitable<ResolveOutcome> resolve(std::vector<std::string> skus, CallScope& scope) = 0;
    virtual boost::asio::awaitable<ChangesOutcome> changes_since(runtime::Instant since, CallScope& scope) = 0;
};

}  // namespace ordersaga::activities::wms
