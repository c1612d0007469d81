// The activities: every kind of command that leaves for a worker, with the shape of its payload and of its outcome.
// This page is the contract between the orchestrator (which writes payloads and reads outcomes) and the workers.
//
// In every payload `store` and `warehouse` are the keys under which the worker finds base address, API version and
// credentials; the payload holds no secret. `call_deadline_ms` (all): the HTTP call's total time.
// `lookup_first` (all writes; set by the engine, beside the payload in the envelope): an earlier attempt may have been
// applied, so look before writing.
//
// A payload of an outcome that tells of orders (PollOrders, QuietRead, ReadOrder) travels as {sealed}, under the keys that
// both programs have, bound to the attempt: addresses stand in no queue and in no dead letter.
//
// warehouse family
//   RequestFulfillment   {warehouse, reference, request_key, order_number, ship_method,
//                         lines[{line_id, sku, warehouse_item_id, quantity}], tags[{name,value}]}
//       The worker adds recipient{name,address1,address2,city,state,zip_code,country,email,phone_number}, which it reads by
//       merchant and saga where it is kept sealed (db/recipients.hpp).
//       done     {view}                     created, or found under the same reference with the same content
//       refused  {messages[], conflict?}    conflict: the reference exists with other content
//   CancelFulfillment    {warehouse, reference, warehouse_order_id?}
//       done     {found: bool, view?}       found=false: the warehouse knows no such reference
//       too_late {view}                     picked, labelled, shipped (or only some shipments could be cancelled)
//   FindFulfillment      {warehouse, reference}
//       done     {found: bool, view?}
//   PollFulfillments     {warehouse, changed_since: RFC 3339, told_to?}
//       done     {views[], changed_until, complete: bool, told_to?}   all is told up to there, at it up to this order
//   ReadWarehouseStock   {warehouse, items[{sku_id, warehouse_item_id}]}        empty items = all
//       done     {items[{sku_id?, warehouse_item_id, sku, fulfillable, on_hand}]}
//   a view: {reference, warehouse_order_id, state, cancellable: yes|no|unknown,
//            shipments[{id, state, carrier, tracking_number, tracking_url, lines[{sku, warehouse_item_id, quantity}]}],
//            problems[{code, text, sku?}]}
//     state: Accepted InProgress OnHold Backordered NeedsAttention PartlyShipped Shipped Delivered DeliveryProblem
//            Cancelled Unknown
//
// shopify family
//   FlushStock           {store, key, body: "<exact request bytes>", rows: n}
//       done     {applied[row indices], uncertain[row indices], refused[{index, code, message}]}
//                each row at most once; "nothing applied" = applied and uncertain empty, refused names the rows at fault
//   QuietRead            {store, listings[{listing_id, inventory_item_id, location_id}], orders_since: RFC 3339,
//                         stamps: true, first?, after?: of a read that goes on}
//       done     {first{listing_id: available|null}, seen{order_id: stamp}, second{listing_id: available|null},
//                 polled_until: RFC 3339}          read, then list all orders changed since, then read again
//                {first, seen, after: cursor}      more orders than one message holds: ask again with these two
//   PollOrders           {store, orders_since: RFC 3339, stamps: true, after?: cursor}
//       done     {seen{order_id: stamp}, polled_until: RFC 3339, complete: bool, after?: cursor}
//                                                  incomplete: ask again with the same orders_since and `after`
//                        {store, order_ids[], list: what has told of them}       the documents behind stamps that are news
//       done     {orders[order documents], unread?[order_ids], unreadable?[{order_id, reason}], and all that `list` has}
//                                                  unread: more than one message holds, ask again with these
//   Without `stamps` (as the release before asks) both tell `orders` in the place of `seen`.
//   ReadOrder            {store, order_id}
//       done     {order: order document | null}
//   CreateStoreFulfillment {store, order_id, shipment_id, carrier, tracking_number, tracking_url,
//                           lines[{line_id, quantity}], notify_customer: bool}
//       done     {fulfillment_id, already: bool}    already: found by its tracking number before writing
//                {order_cancelled: true}            the order has ended in the store: nothing is left to fulfil there
//   SettleStoreOrder     {store, order_id, policy: hold_and_tell|cancel_and_refund, reason: text for staff, tag, handle}
//       done     {settled: "held"|"cancelled", already: bool}
//   CheckSubscriptions   {store, address, api_version}     lists the store's webhook subscriptions, creates what is not in place
//       done     {faults[text], unrepaired[text], other_versions[text]}     all empty: everything was in place
//   an order document, its stamp: sagas/order_document.hpp
#pragma once

#include <string_view>

namespace ordersaga::sagas::activity {

inline constexpr std::string_view request_fulfillment = "RequestFulfillment";
inline constexpr std::string_view cancel_fulfillment = "CancelFulfillment";
inline constexpr std::string_view find_fulfillment = "FindFulfillment";
inline constexpr std::string_view poll_fulfillments = "PollFulfillments";
inline constexpr std::string_view read_warehouse_stock = "ReadWarehouseStock";

inline constexpr std::string_view flush_stock = "FlushStock";
inline constexpr std::string_view quiet_read = "QuietRead";
inline constexpr std::string_view poll_orders = "PollOrders";
inline constexpr std::string_view read_order = "ReadOrder";
inline constexpr std::string_view create_store_fulfillment = "CreateStoreFulfillment";
inline constexpr std::string_view settle_store_order = "SettleStoreOrder";
inline constexpr std::string_view check_subscriptions = "CheckSubscriptions";

}  // namespace ordersaga::sagas::activity
