// The GraphQL documents we send to the Shopify Admin API, one constant per call.
//
// Purpose: the whole surface we need from a store, readable on one page. Written for API version 2026-04 and later:
// stock writes carry @idempotent(key:) on the field and changeFromQuantity on every row.
// Each document has exactly one root field, whose name stands beside it: the answer's data.<root> decides success.
// Only fields are asked for whose scopes we hold: one forbidden sub-field adds ACCESS_DENIED to an applied mutation.
// Variables carry the names of the arguments they fill, so that a recorded call explains itself.
// Immutable constants; safe from any thread.
#pragma once

#include "sagas/subscriptions.hpp"

#include <string_view>

namespace ordersaga::activities::shopify {

struct Document {
    std::string_view root;  // name of the one root field
    std::string_view text;
    bool is_write;
};

// Variables: input {name, reason, referenceDocumentUri, changes[{inventoryItemId, locationId, delta,
// changeFromQuantity}]}, idempotencyKey.
inline constexpr Document adjust_stock{
    "inventoryAdjustQuantities",
    R"(mutation AdjustStock($input: InventoryAdjustQuantitiesInput!, $idempotencyKey: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $idempotencyKey) {
    inventoryAdjustmentGroup { id changes { name delta item { id } location { id } } }
    userErrors { field message code }
  }
})",
    true};

// An operator's absolute write; same rules. Variables: input {name, reason, referenceDocumentUri,
// quantities[{inventoryItemId, locationId, quantity, changeFromQuantity}]}, idempotencyKey.
inline constexpr Document set_stock{
    "inventorySetQuantities",
    R"(mutation SetStock($input: InventorySetQuantitiesInput!, $idempotencyKey: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $idempotencyKey) {
    inventoryAdjustmentGroup { id changes { name delta item { id } location { id } } }
    userErrors { field message code }
  }
})",
    true};

// One location per call. Variables: ids (inventory item gids, at most 250), locationId.
inline constexpr Document read_levels{
    "nodes",
    R"(query ReadLevels($ids: [ID!]!, $locationId: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id
      sku
      tracked
      inventoryLevel(locationId: $locationId) {
        id
        isActive
        location { id }
        quantities(names: ["available", "on_hand", "committed"]) { name quantity }
      }
    }
  }
})",
    false};

// One text in two documents; a macro because adjacent literals are what the compiler joins.
#define ORDERSAGA_ORDER_FIELDS(LINES, REFUNDS)                                                             \
    "      id\n"                                                                                           \
    "      legacyResourceId\n"                                                                             \
    "      name\n"                                                                                         \
    "      email\n"                                                                                        \
    "      test\n"                                                                                         \
    "      sourceName\n"                                                                                   \
    "      createdAt\n"                                                                                    \
    "      updatedAt\n"                                                                                    \
    "      cancelledAt\n"                                                                                  \
    "      cancelReason\n"                                                                                 \
    "      displayFinancialStatus\n"                                                                       \
    "      displayFulfillmentStatus\n"                                                                     \
    "      retailLocation { id }\n"                                                                        \
    "      shippingAddress { name company address1 address2 city provinceCode zip countryCodeV2 phone }\n" \
    "      shippingLines(first: 1) { nodes { title } }\n"                                                  \
    "      lineItems(first: " LINES                                                                        \
    ") {\n"                                                                                                \
    "        pageInfo { hasNextPage }\n"                                                                   \
    "        nodes {\n"                                                                                    \
    "          id\n"                                                                                       \
    "          sku\n"                                                                                      \
    "          quantity\n"                                                                                 \
    "          currentQuantity\n"                                                                          \
    "          unfulfilledQuantity\n"                                                                      \
    "          requiresShipping\n"                                                                         \
    "          isGiftCard\n"                                                                               \
    "          variant { id inventoryItem { tracked } }\n"                                                 \
    "        }\n"                                                                                          \
    "      }\n"                                                                                            \
    "      refunds(first: " REFUNDS                                                                        \
    ") {\n"                                                                                                \
    "        id\n"                                                                                         \
    "        refundLineItems(first: " LINES                                                                \
    ") {\n"                                                                                                \
    "          pageInfo { hasNextPage }\n"                                                                 \
    "          nodes { quantity restockType lineItem { id } location { id } }\n"                           \
    "        }\n"                                                                                          \
    "      }\n"                                                                                            \
    "      fulfillments(first: " REFUNDS ") { id status trackingInfo(first: 10) { number } }\n"

// The sizes of nested lists: the store charges by what could come back, so a page of many orders asks for little of each
// and an order that does not fit is read again alone.
inline constexpr int listed_order_refunds = 10;
inline constexpr int single_order_refunds = 100;

// Variables: query ("updated_at:>='2026-11-01T00:00:00Z'"), first, after (null on the first page).
inline constexpr Document orders_since{
    "orders",
    "query OrdersSince($query: String!, $first: Int!, $after: String) {\n"
    "  orders(query: $query, sortKey: UPDATED_AT, first: $first, after: $after) {\n"
    "    pageInfo { hasNextPage endCursor }\n"
    "    nodes {\n" ORDERSAGA_ORDER_FIELDS("30", "10") "    }\n  }\n}",
    false};

// The same list without what is dear: enough to see which orders have changed (sagas::stamp_of). The sum of the quantities
// leaves out what does not count for the subtotal, a tip for one: such an order is read with its document each time.
inline constexpr Document order_stamps_since{
    "orders",
    R"(query OrderStampsSince($query: String!, $first: Int!, $after: String) {
  orders(query: $query, sortKey: UPDATED_AT, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      updatedAt
      cancelledAt
      displayFinancialStatus
      displayFulfillmentStatus
      currentSubtotalLineItemsQuantity
    }
  }
})",
    false};

// Variables: ids (order gids).
inline constexpr Document orders_by_id{
    "nodes",
    "query OrdersById($ids: [ID!]!) {\n"
    "  nodes(ids: $ids) {\n"
    "    ... on Order {\n" ORDERSAGA_ORDER_FIELDS("30", "10") "    }\n  }\n}",
    false};

// Variables: id (order gid).
inline constexpr Document order_by_id{
    "order", "query OrderById($id: ID!) {\n  order(id: $id) {\n" ORDERSAGA_ORDER_FIELDS("250", "100") "  }\n}", false};

#undef ORDERSAGA_ORDER_FIELDS

// What a fulfilment, a hold and a cancel need to know before they act. Variables: id (order gid).
inline constexpr Document fulfillment_orders{
    "order",
    R"(query FulfillmentOrders($id: ID!) {
  order(id: $id) {
    id
    updatedAt
    cancelledAt
    fulfillments(first: 50) {
      id
      status
      trackingInfo(first: 10) { number }
      fulfillmentLineItems(first: 100) { nodes { quantity lineItem { id } } }
    }
    fulfillmentOrders(first: 50) {
      nodes {
        id
        status
        requestStatus
        supportedActions { action }
        assignedLocation { location { id } }
        fulfillmentHolds { id handle reason }
        lineItems(first: 100) {
          nodes { id remainingQuantity totalQuantity lineItem { id sku } }
        }
      }
    }
  }
})",
    false};

// No idempotency key exists for this call: read fulfillment_orders before every repeat. Variables: fulfillment
// {lineItemsByFulfillmentOrder[{fulfillmentOrderId, fulfillmentOrderLineItems[{id, quantity}]}], trackingInfo{company,
// number, url}, notifyCustomer}, message.
inline constexpr Document create_fulfillment{
    "fulfillmentCreate",
    R"(mutation CreateFulfillment($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment { id name status trackingInfo(first: 10) { number url company } }
    userErrors { field message }
  }
})",
    true};

// The handle is a natural key: a repeat answers DUPLICATE_FULFILLMENT_HOLD_HANDLE, which means done.
// Variables: id (fulfilment order gid), fulfillmentHold {reason, reasonNotes, handle, externalId, notifyMerchant}.
inline constexpr Document hold_fulfillment_order{
    "fulfillmentOrderHold",
    R"(mutation HoldFulfillmentOrder($id: ID!, $fulfillmentHold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $fulfillmentHold) {
    fulfillmentHold { id handle reason }
    fulfillmentOrder { id status }
    userErrors { field message code }
  }
})",
    true};

// Always with holdIds: without them every app's holds are dropped. Variables: id, holdIds.
inline constexpr Document release_hold{
    "fulfillmentOrderReleaseHold",
    R"(mutation ReleaseHold($id: ID!, $holdIds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) {
    fulfillmentOrder { id status }
    userErrors { field message code }
  }
})",
    true};

// Adding a tag twice leaves one tag, so a repeat is safe. Variables: id (order gid), tags.
inline constexpr Document add_tags{
    "tagsAdd",
    R"(mutation AddTags($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) {
    node { id }
    userErrors { field message }
  }
})",
    true};

// Asynchronous and irreversible; read cancelledAt before every repeat. Variables: orderId, reason, restock,
// notifyCustomer, staffNote, refundMethod {originalPaymentMethodsRefund} or null.
inline constexpr Document cancel_order{
    "orderCancel",
    R"(mutation CancelOrder(
  $orderId: ID!
  $reason: OrderCancelReason!
  $restock: Boolean!
  $notifyCustomer: Boolean
  $staffNote: String
  $refundMethod: OrderCancelRefundMethodInput
) {
  orderCancel(
    orderId: $orderId
    reason: $reason
    restock: $restock
    notifyCustomer: $notifyCustomer
    staffNote: $staffNote
    refundMethod: $refundMethod
  ) {
    job { id done }
    orderCancelUserErrors { field message code }
  }
})",
    true};

// Variables: id (job gid).
inline constexpr Document job_state{
    "job", R"(query JobState($id: ID!) {
  job(id: $id) { id done }
})",
    false};

// What a store sends us; the texts and their variables are in sagas/subscriptions.hpp.
inline constexpr Document list_subscriptions{"webhookSubscriptions", sagas::list_subscriptions_text, false};
inline constexpr Document create_subscription{"webhookSubscriptionCreate", sagas::create_subscription_text, true};
inline constexpr Document delete_subscription{"webhookSubscriptionDelete", sagas::delete_subscription_text, true};

}  // namespace ordersaga::activities::shopify
