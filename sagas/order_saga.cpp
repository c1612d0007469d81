// The order saga's transition table, and the only place where Boost.MSM is used.
//
// Read it by source state: the forward path first, then the ways aside and back, then what is late or repeated. Guards of
// the same state and event exclude each other, so the sequence of rows never matters. An event without a row is no error:
// it becomes a decision that changes nothing and says so.

#include "sagas/order_saga.hpp"

#include "runtime/planted.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_actions.hpp"

#include <boost/mp11/mpl.hpp>
#include <boost/msm/back/state_machine.hpp>
#include <boost/msm/front/functor_row.hpp>
#include <boost/msm/front/state_machine_def.hpp>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

namespace ordersaga::sagas {
namespace {

namespace msm = boost::msm;
using msm::front::Row;
using none = msm::front::none;
using Payload = const nlohmann::json&;

// --- states ---------------------------------------------------------------------------------------------------------

// clang-format off
#define ORDER_STATE(name) struct name : msm::front::state<> { static constexpr const char* text = #name; }
ORDER_STATE(Received);            ORDER_STATE(Reserved);            ORDER_STATE(ChannelsSynced);
ORDER_STATE(FulfillmentRequested);ORDER_STATE(Shipped);             ORDER_STATE(Completed);
ORDER_STATE(OnHold);              ORDER_STATE(Backordered);         ORDER_STATE(OutOfStock);
ORDER_STATE(NeedsOperator);       ORDER_STATE(CancellingFulfillment);
ORDER_STATE(ReleasingStock);      ORDER_STATE(RevertingChannels);   ORDER_STATE(SettlingOrder);
ORDER_STATE(Compensated);
#undef ORDER_STATE

using States = boost::mp11::mp_list<
    Received, Reserved, ChannelsSynced, FulfillmentRequested, Shipped, Completed, OnHold, Backordered, OutOfStock,
    NeedsOperator, CancellingFulfillment, ReleasingStock, RevertingChannels, SettlingOrder, Compensated>;

// --- events ---------------------------------------------------------------------------------------------------------

#define ORDER_EVENT(name) struct name { Payload payload; static constexpr const char* text = #name; }
ORDER_EVENT(OrderPlaced);         ORDER_EVENT(OrderPaid);           ORDER_EVENT(OrderChanged);
ORDER_EVENT(FulfilledElsewhere);  ORDER_EVENT(CancelRequested);     ORDER_EVENT(HoldPlaced);
ORDER_EVENT(HoldReleased);        ORDER_EVENT(HoldExpired);         ORDER_EVENT(OperatorRetried);
ORDER_EVENT(StockReserved);       ORDER_EVENT(StockShort);          ORDER_EVENT(StockStale);
ORDER_EVENT(StockRead);           ORDER_EVENT(StockReadWaitEnded);  ORDER_EVENT(StockGranted);
ORDER_EVENT(ExchangeRefused);     ORDER_EVENT(StockReleased);       ORDER_EVENT(ChannelsUpdated);
ORDER_EVENT(ChannelWaitEnded);    ORDER_EVENT(FulfillmentAccepted); ORDER_EVENT(FulfillmentRefused);
ORDER_EVENT(FulfillmentUnknown);  ORDER_EVENT(FulfillmentCancelled);ORDER_EVENT(CancelTooLate);
ORDER_EVENT(CancelFailed);        ORDER_EVENT(ShipmentReported);    ORDER_EVENT(DeliveryReported);
ORDER_EVENT(DeliveryAssumed);     ORDER_EVENT(WarehouseCancelled);  ORDER_EVENT(WarehouseTrouble);
ORDER_EVENT(WatchDue);            ORDER_EVENT(LateFulfillmentFound);ORDER_EVENT(FulfillmentMissing);
ORDER_EVENT(StoreFulfilled);      ORDER_EVENT(StoreFulfillmentFailed);
ORDER_EVENT(OrderSettled);        ORDER_EVENT(OrderSettleFailed);
#undef ORDER_EVENT

using Events = boost::mp11::mp_list<
    OrderPlaced, OrderPaid, OrderChanged, FulfilledElsewhere, CancelRequested, HoldPlaced, HoldReleased, HoldExpired,
    OperatorRetried, StockReserved, StockShort, StockStale, StockRead, StockReadWaitEnded, StockGranted, ExchangeRefused,
    StockReleased, ChannelsUpdated, ChannelWaitEnded, FulfillmentAccepted, FulfillmentRefused, FulfillmentUnknown,
    FulfillmentCancelled, CancelTooLate, CancelFailed, ShipmentReported, DeliveryReported, DeliveryAssumed,
    WarehouseCancelled, WarehouseTrouble, WatchDue, LateFulfillmentFound, FulfillmentMissing, StoreFulfilled,
    StoreFulfillmentFailed, OrderSettled, OrderSettleFailed>;

// --- actions and guards: thin functors around the plain functions of order_actions.hpp --------------------------------

#define ORDER_ACTION(name)                                                                             \
    struct name {                                                                                      \
        static constexpr const char* text = #name;                                                     \
        template <class E, class M, class S, class T>                                                  \
        void operator()(const E& event, M& machine, S&, T&) const { order_actions::name(*machine.step, event.payload); } \
    }
#define ORDER_GUARD(name)                                                                              \
    struct name {                                                                                      \
        static constexpr const char* text = #name;                                                     \
        template <class E, class M, class S, class T>                                                  \
        bool operator()(const E& event, M& machine, S&, T&) const { return order_guards::name(*machine.step, event.payload); } \
    }
ORDER_ACTION(reserve); ORDER_ACTION(reserve_with_what_we_know); ORDER_ACTION(exchange); ORDER_ACTION(await_reading);
ORDER_ACTION(hold); ORDER_ACTION(hold_unmapped); ORDER_ACTION(hold_for_operator); ORDER_ACTION(hold_unsent);
ORDER_ACTION(note_hold_too_late); ORDER_ACTION(remove_hold); ORDER_ACTION(expire_hold); ORDER_ACTION(join_queue);
ORDER_ACTION(rejoin_queue); ORDER_ACTION(refuse); ORDER_ACTION(await_channels); ORDER_ACTION(request_fulfillment);
ORDER_ACTION(request_with_debt); ORDER_ACTION(resume_reserving); ORDER_ACTION(resume_waiting); ORDER_ACTION(resume_requesting);
ORDER_ACTION(commit_stock); ORDER_ACTION(commit_and_cancel); ORDER_ACTION(release); ORDER_ACTION(release_unsent);
ORDER_ACTION(release_refused); ORDER_ACTION(release_cancelled_by_warehouse); ORDER_ACTION(release_after_cancel);
ORDER_ACTION(replace_fulfillment); ORDER_ACTION(remember_cancel); ORDER_ACTION(remember_edit);
ORDER_ACTION(cancel_fulfillment); ORDER_ACTION(cancel_for_edit); ORDER_ACTION(go_forward_too_late); ORDER_ACTION(ship);
ORDER_ACTION(note_delivery); ORDER_ACTION(note_store_fulfilled); ORDER_ACTION(assume_delivery); ORDER_ACTION(watch);
ORDER_ACTION(await_channels_back); ORDER_ACTION(settle_store_order); ORDER_ACTION(finish_back); ORDER_ACTION(finish);
ORDER_ACTION(finish_empty); ORDER_ACTION(ask_operator); ORDER_ACTION(ask_operator_unsent);
ORDER_ACTION(retry_store_fulfillments); ORDER_ACTION(retry_cancel); ORDER_ACTION(cancel_late_found);
ORDER_ACTION(note_too_late); ORDER_ACTION(note_late); ORDER_ACTION(note_paid); ORDER_ACTION(resume_watching);
ORDER_ACTION(note_cancelled_there); ORDER_ACTION(note_request_in_doubt);
ORDER_ACTION(note_request_refused);
ORDER_ACTION(release_hold_early); ORDER_ACTION(add_part); ORDER_ACTION(change_part); ORDER_ACTION(await_part);
ORDER_ACTION(queue_part); ORDER_ACTION(refuse_part); ORDER_ACTION(queue_or_refuse_part); ORDER_ACTION(request_part);
ORDER_ACTION(request_part_with_debt); ORDER_ACTION(commit_part); ORDER_ACTION(drop_refused_part); ORDER_ACTION(drop_lost_part);
ORDER_ACTION(cancel_next_part); ORDER_ACTION(change_cancelled_part); ORDER_ACTION(note_part_dropped);
ORDER_ACTION(tell_of_addition); ORDER_ACTION(commit_beside_incident);

ORDER_GUARD(nothing_to_ship); ORDER_GUARD(has_unmapped); ORDER_GUARD(can_reserve); ORDER_GUARD(holds); ORDER_GUARD(no_holds);
ORDER_GUARD(may_wait); ORDER_GUARD(must_refuse); ORDER_GUARD(unsent); ORDER_GUARD(sent); ORDER_GUARD(stop_wanted);
ORDER_GUARD(go_on); ORDER_GUARD(conflict); ORDER_GUARD(plainly_refused);
ORDER_GUARD(all_shipped); ORDER_GUARD(partly_shipped); ORDER_GUARD(must_settle); ORDER_GUARD(settled_as_cancelled);
ORDER_GUARD(ends_out_of_stock); ORDER_GUARD(ends_compensated); ORDER_GUARD(all_done); ORDER_GUARD(not_all_done);
ORDER_GUARD(holds_remain); ORDER_GUARD(resumes_received); ORDER_GUARD(resumes_reserved);
ORDER_GUARD(resumes_synced); ORDER_GUARD(retry_received); ORDER_GUARD(retry_reserved); ORDER_GUARD(retry_synced);
ORDER_GUARD(retry_requested); ORDER_GUARD(retry_shipped); ORDER_GUARD(retry_cancelling); ORDER_GUARD(retry_settling);
ORDER_GUARD(retry_empty); ORDER_GUARD(perhaps_at_warehouse); ORDER_GUARD(never_at_warehouse);
ORDER_GUARD(awaits_request);
ORDER_GUARD(goods_left); ORDER_GUARD(sole_part); ORDER_GUARD(one_of_several); ORDER_GUARD(sole_part_ends);
ORDER_GUARD(sole_part_changes); ORDER_GUARD(one_of_several_ends); ORDER_GUARD(one_of_several_changes);
ORDER_GUARD(cancels_there); ORDER_GUARD(cancels_here); ORDER_GUARD(change_recalls); ORDER_GUARD(change_stays);
ORDER_GUARD(part_wanted); ORDER_GUARD(part_unwanted); ORDER_GUARD(nothing_left); ORDER_GUARD(rest_shipped);
ORDER_GUARD(rest_open); ORDER_GUARD(newest_partly_shipped); ORDER_GUARD(earlier_shipped);
ORDER_GUARD(answers_incident); ORDER_GUARD(beside_incident);
#undef ORDER_ACTION
#undef ORDER_GUARD

// --- the table ------------------------------------------------------------------------------------------------------

using Table = boost::mp11::mp_list<
//   from                   on                      to                      do                              if
Row< Received,              OrderPlaced,            Completed,              finish_empty,                   nothing_to_ship   >,
Row< Received,              OrderPlaced,            OnHold,                 hold_unmapped,                  has_unmapped      >,
Row< Received,              OrderPlaced,            none,                   reserve,                        can_reserve       >,
Row< Received,              StockReserved,          Reserved,               await_channels,                 no_holds          >,
Row< Received,              StockReserved,          OnHold,                 hold,                           holds             >,
Row< Received,              StockShort,             Backordered,            join_queue,                     may_wait          >,
Row< Received,              StockShort,             SettlingOrder,          refuse,                         must_refuse       >,
Row< Received,              StockStale,             none,                   await_reading                                     >,
Row< Received,              StockRead,              none,                   reserve_with_what_we_know                         >,
Row< Received,              StockReadWaitEnded,     none,                   reserve_with_what_we_know                         >,
Row< Received,              ExchangeRefused,        NeedsOperator,          ask_operator                                      >,
Row< Received,              OrderPaid,              none,                   note_paid                                         >,
Row< Received,              OrderChanged,           none,                   exchange                                          >,
Row< Received,              CancelRequested,        ReleasingStock,         release                                           >,
Row< Received,              FulfilledElsewhere,     NeedsOperator,          ask_operator                                      >,
Row< Received,              HoldPlaced,             none,                   hold_for_operator                                 >,
Row< Received,              HoldReleased,           none,                   release_hold_early                                >,
// ---------------------------------------------------------------------------------------------------------------------
Row< Reserved,              ChannelsUpdated,        ChannelsSynced,         request_fulfillment                               >,
Row< Reserved,              ChannelWaitEnded,       ChannelsSynced,         request_with_debt                                 >,
Row< Reserved,              OrderChanged,           Received,               exchange                                          >,
Row< Reserved,              CancelRequested,        ReleasingStock,         release                                           >,
Row< Reserved,              HoldPlaced,             OnHold,                 hold_for_operator                                 >,
Row< Reserved,              FulfilledElsewhere,     NeedsOperator,          ask_operator                                      >,
Row< Reserved,              OrderPaid,              none,                   note_paid                                         >,
// ---------------------------------------------------------------------------------------------------------------------
Row< ChannelsSynced,        FulfillmentAccepted,    FulfillmentRequested,   commit_stock,                   go_on             >,
Row< ChannelsSynced,        FulfillmentAccepted,    CancellingFulfillment,  commit_and_cancel,              stop_wanted       >,
Row< ChannelsSynced,        FulfillmentRefused,     ReleasingStock,         release_refused,                plainly_refused   >,
Row< ChannelsSynced,        FulfillmentRefused,     NeedsOperator,          ask_operator,                   conflict          >,
Row< ChannelsSynced,        FulfillmentUnknown,     NeedsOperator,          ask_operator                                      >,
Row< ChannelsSynced,        CancelRequested,        ReleasingStock,         release_unsent,                 unsent            >,
Row< ChannelsSynced,        CancelRequested,        none,                   remember_cancel,                sent              >,
Row< ChannelsSynced,        OrderChanged,           Received,               exchange,                       unsent            >,
Row< ChannelsSynced,        OrderChanged,           none,                   remember_edit,                  sent              >,
Row< ChannelsSynced,        HoldPlaced,             OnHold,                 hold_unsent,                    unsent            >,
Row< ChannelsSynced,        HoldPlaced,             none,                   note_hold_too_late,             sent              >,
Row< ChannelsSynced,        FulfilledElsewhere,     NeedsOperator,          ask_operator_unsent,            unsent            >,
Row< ChannelsSynced,        FulfilledElsewhere,     none,                   note_late,                      sent              >,
Row< ChannelsSynced,        OrderPaid,              none,                   note_paid                                         >,
Row< ChannelsSynced,        ShipmentReported,       Shipped,                ship,                           all_shipped       >,
Row< ChannelsSynced,        ShipmentReported,       FulfillmentRequested,   ship,                           partly_shipped    >,
Row< ChannelsSynced,        ChannelsUpdated,        none,                   note_late                                         >,
// ---------------------------------------------------------------------------------------------------------------------
Row< FulfillmentRequested,  ShipmentReported,       Shipped,                ship,                           all_shipped       >,
Row< FulfillmentRequested,  ShipmentReported,       none,                   ship,                           partly_shipped    >,
Row< FulfillmentRequested,  StoreFulfilled,         none,                   note_store_fulfilled                              >,
Row< FulfillmentRequested,  DeliveryReported,       none,                   note_delivery                                     >,
Row< FulfillmentRequested,  CancelRequested,        CancellingFulfillment,  cancel_fulfillment,             cancels_there     >,
Row< FulfillmentRequested,  CancelRequested,        ReleasingStock,         release_unsent,                 cancels_here      >,
Row< FulfillmentRequested,  CancelRequested,        none,                   remember_cancel,                sent              >,
Row< FulfillmentRequested,  OrderChanged,           CancellingFulfillment,  cancel_for_edit,                change_recalls    >,
Row< FulfillmentRequested,  OrderChanged,           none,                   change_part,                    change_stays      >,
Row< FulfillmentRequested,  WarehouseCancelled,     ReleasingStock,         release_cancelled_by_warehouse, sole_part         >,
Row< FulfillmentRequested,  WarehouseCancelled,     none,                   drop_lost_part,                 one_of_several    >,
Row< FulfillmentRequested,  WarehouseTrouble,       NeedsOperator,          ask_operator                                      >,
Row< FulfillmentRequested,  StoreFulfillmentFailed, NeedsOperator,          ask_operator                                      >,
Row< FulfillmentRequested,  WatchDue,               none,                   watch                                             >,
Row< FulfillmentRequested,  FulfillmentMissing,     NeedsOperator,          ask_operator                                      >,
Row< FulfillmentRequested,  HoldPlaced,             none,                   note_hold_too_late                                >,
Row< FulfillmentRequested,  FulfilledElsewhere,     none,                   note_late                                         >,
Row< FulfillmentRequested,  CancelTooLate,          none,                   note_late                                         >,
// What was added too late for the first request: the newest part of the order.
Row< FulfillmentRequested,  StockReserved,          none,                   await_part                                        >,
Row< FulfillmentRequested,  StockGranted,           none,                   await_part                                        >,
Row< FulfillmentRequested,  StockShort,             none,                   queue_or_refuse_part                              >,
Row< FulfillmentRequested,  ExchangeRefused,        none,                   refuse_part                                       >,
Row< FulfillmentRequested,  ChannelsUpdated,        none,                   request_part                                      >,
Row< FulfillmentRequested,  ChannelWaitEnded,       none,                   request_part_with_debt                            >,
Row< FulfillmentRequested,  FulfillmentAccepted,    none,                   commit_part,                    part_wanted       >,
Row< FulfillmentRequested,  FulfillmentAccepted,    CancellingFulfillment,  commit_and_cancel,              part_unwanted     >,
Row< FulfillmentRequested,  FulfillmentRefused,     none,                   drop_refused_part,              plainly_refused   >,
Row< FulfillmentRequested,  FulfillmentRefused,     NeedsOperator,          ask_operator,                   conflict          >,
Row< FulfillmentRequested,  FulfillmentUnknown,     NeedsOperator,          ask_operator                                      >,
Row< FulfillmentRequested,  StockReleased,          none,                   note_part_dropped,              rest_open         >,
Row< FulfillmentRequested,  StockReleased,          Shipped,                note_part_dropped,              rest_shipped      >,
Row< FulfillmentRequested,  StockReleased,          RevertingChannels,      await_channels_back,            nothing_left      >,
// ---------------------------------------------------------------------------------------------------------------------
Row< Shipped,               StoreFulfilled,         Completed,              finish,                         all_done          >,
Row< Shipped,               StoreFulfilled,         none,                   note_store_fulfilled,           not_all_done      >,
Row< Shipped,               DeliveryReported,       Completed,              finish,                         all_done          >,
Row< Shipped,               DeliveryReported,       none,                   note_delivery,                  not_all_done      >,
Row< Shipped,               DeliveryAssumed,        Completed,              assume_delivery                                   >,
Row< Shipped,               StoreFulfillmentFailed, NeedsOperator,          ask_operator                                      >,
Row< Shipped,               CancelRequested,        none,                   note_too_late                                     >,
Row< Shipped,               OrderChanged,           none,                   add_part                                          >,
Row< Shipped,               StockReserved,          FulfillmentRequested,   await_part                                        >,
Row< Shipped,               StockShort,             FulfillmentRequested,   queue_part,                     may_wait          >,
Row< Shipped,               StockShort,             none,                   refuse_part,                    must_refuse       >,
Row< Shipped,               CancelTooLate,          none,                   note_late                                         >,
Row< Shipped,               FulfillmentAccepted,    none,                   note_late                                         >,
Row< Shipped,               FulfilledElsewhere,     none,                   note_late                                         >,
Row< Shipped,               HoldPlaced,             none,                   note_hold_too_late                                >,
// --- aside -----------------------------------------------------------------------------------------------------------
Row< OnHold,                OrderPaid,              Received,               resume_reserving,               resumes_received  >,
Row< OnHold,                OrderPaid,              Reserved,               resume_waiting,                 resumes_reserved  >,
Row< OnHold,                OrderPaid,              none,                   remove_hold,                    holds_remain      >,
Row< OnHold,                HoldReleased,           Received,               resume_reserving,               resumes_received  >,
Row< OnHold,                HoldReleased,           Reserved,               resume_waiting,                 resumes_reserved  >,
Row< OnHold,                HoldReleased,           ChannelsSynced,         resume_requesting,              resumes_synced    >,
Row< OnHold,                HoldReleased,           none,                   remove_hold,                    holds_remain      >,
Row< OnHold,                HoldPlaced,             none,                   hold_for_operator                                 >,
Row< OnHold,                HoldExpired,            ReleasingStock,         expire_hold                                       >,
Row< OnHold,                OrderChanged,           Received,               exchange                                          >,
Row< OnHold,                CancelRequested,        ReleasingStock,         release                                           >,
Row< OnHold,                FulfilledElsewhere,     NeedsOperator,          ask_operator                                      >,
Row< OnHold,                ChannelsUpdated,        none,                   note_late                                         >,
// ---------------------------------------------------------------------------------------------------------------------
Row< Backordered,           StockGranted,           Reserved,               await_channels,                 no_holds          >,
Row< Backordered,           StockGranted,           OnHold,                 hold,                           holds             >,
Row< Backordered,           CancelRequested,        ReleasingStock,         release                                           >,
Row< Backordered,           OrderChanged,           Received,               rejoin_queue                                      >,
Row< Backordered,           OrderPaid,              none,                   note_paid                                         >,
Row< Backordered,           HoldPlaced,             none,                   hold_for_operator                                 >,
Row< Backordered,           HoldReleased,           none,                   release_hold_early                                >,
Row< Backordered,           FulfilledElsewhere,     NeedsOperator,          ask_operator                                      >,
// ---------------------------------------------------------------------------------------------------------------------
Row< NeedsOperator,         OperatorRetried,        Received,               resume_reserving,               retry_received    >,
Row< NeedsOperator,         OperatorRetried,        Completed,              finish_empty,                   retry_empty       >,
Row< NeedsOperator,         OperatorRetried,        Reserved,               resume_waiting,                 retry_reserved    >,
Row< NeedsOperator,         OperatorRetried,        ChannelsSynced,         resume_requesting,              retry_synced      >,
Row< NeedsOperator,         OperatorRetried,        FulfillmentRequested,   resume_watching,                retry_requested   >,
Row< NeedsOperator,         OperatorRetried,        Shipped,                retry_store_fulfillments,       retry_shipped     >,
Row< NeedsOperator,         OperatorRetried,        CancellingFulfillment,  retry_cancel,                   retry_cancelling  >,
Row< NeedsOperator,         OperatorRetried,        SettlingOrder,          settle_store_order,             retry_settling    >,
Row< NeedsOperator,         CancelRequested,        CancellingFulfillment,  cancel_fulfillment,             perhaps_at_warehouse>,
Row< NeedsOperator,         CancelRequested,        FulfillmentRequested,   remember_cancel,                awaits_request    >,
Row< NeedsOperator,         CancelRequested,        ReleasingStock,         release_unsent,                 never_at_warehouse>,
Row< NeedsOperator,         CancelRequested,        none,                   note_too_late,                  goods_left        >,
Row< NeedsOperator,         OrderChanged,           none,                   remember_edit                                     >,
Row< NeedsOperator,         FulfillmentAccepted,    FulfillmentRequested,   commit_stock,                   answers_incident  >,
Row< NeedsOperator,         FulfillmentAccepted,    none,                   commit_beside_incident,         beside_incident   >,
Row< NeedsOperator,         FulfillmentRefused,     none,                   note_request_refused                              >,
Row< NeedsOperator,         FulfillmentUnknown,     none,                   note_request_in_doubt                             >,
Row< NeedsOperator,         ShipmentReported,       Shipped,                ship,                           all_shipped       >,
Row< NeedsOperator,         ShipmentReported,       none,                   ship,                           partly_shipped    >,
Row< NeedsOperator,         DeliveryReported,       none,                   note_delivery                                     >,
Row< NeedsOperator,         StoreFulfilled,         none,                   note_store_fulfilled                              >,
Row< NeedsOperator,         WarehouseCancelled,     ReleasingStock,         release_cancelled_by_warehouse, sole_part         >,
Row< NeedsOperator,         WarehouseCancelled,     none,                   drop_lost_part,                 one_of_several    >,
Row< NeedsOperator,         StockReleased,          none,                   note_part_dropped                                 >,
Row< NeedsOperator,         StockGranted,           none,                   await_part                                        >,
Row< NeedsOperator,         StockReserved,          none,                   await_part                                        >,
Row< NeedsOperator,         StockShort,             none,                   queue_or_refuse_part                              >,
Row< NeedsOperator,         ChannelsUpdated,        none,                   note_late                                         >,
Row< NeedsOperator,         OrderPaid,              none,                   note_paid                                         >,
// --- back ------------------------------------------------------------------------------------------------------------
Row< CancellingFulfillment, FulfillmentCancelled,   ReleasingStock,         release_after_cancel,           sole_part_ends    >,
Row< CancellingFulfillment, FulfillmentCancelled,   Received,               replace_fulfillment,            sole_part_changes >,
Row< CancellingFulfillment, FulfillmentCancelled,   none,                   cancel_next_part,               one_of_several_ends>,
Row< CancellingFulfillment, FulfillmentCancelled,   FulfillmentRequested,   change_cancelled_part,          one_of_several_changes>,
Row< CancellingFulfillment, CancelTooLate,          FulfillmentRequested,   go_forward_too_late,            rest_open         >,
Row< CancellingFulfillment, CancelTooLate,          Shipped,                go_forward_too_late,            rest_shipped      >,
Row< CancellingFulfillment, CancelFailed,           NeedsOperator,          ask_operator                                      >,
Row< CancellingFulfillment, CancelRequested,        none,                   remember_cancel                                   >,
Row< CancellingFulfillment, OrderChanged,           none,                   remember_edit                                     >,
Row< CancellingFulfillment, ShipmentReported,       Shipped,                ship,                           all_shipped       >,
Row< CancellingFulfillment, ShipmentReported,       FulfillmentRequested,   ship,                           newest_partly_shipped>,
Row< CancellingFulfillment, ShipmentReported,       none,                   ship,                           earlier_shipped   >,
Row< CancellingFulfillment, DeliveryReported,       none,                   note_delivery                                     >,
Row< CancellingFulfillment, StoreFulfilled,         none,                   note_store_fulfilled                              >,
Row< CancellingFulfillment, StockReleased,          none,                   note_part_dropped                                 >,
Row< CancellingFulfillment, WarehouseCancelled,     none,                   note_cancelled_there                              >,
Row< CancellingFulfillment, WarehouseTrouble,       none,                   note_late                                         >,
// ---------------------------------------------------------------------------------------------------------------------
Row< ReleasingStock,        StockReleased,          RevertingChannels,      await_channels_back                               >,
// ---------------------------------------------------------------------------------------------------------------------
Row< RevertingChannels,     ChannelsUpdated,        SettlingOrder,          settle_store_order,             must_settle       >,
Row< RevertingChannels,     ChannelsUpdated,        Compensated,            finish_back,                    settled_as_cancelled>,
Row< RevertingChannels,     ChannelWaitEnded,       SettlingOrder,          settle_store_order,             must_settle       >,
Row< RevertingChannels,     ChannelWaitEnded,       Compensated,            finish_back,                    settled_as_cancelled>,
Row< RevertingChannels,     CancelRequested,        none,                   note_late                                         >,
Row< RevertingChannels,     OrderChanged,           none,                   tell_of_addition                                  >,
// ---------------------------------------------------------------------------------------------------------------------
Row< SettlingOrder,         OrderSettled,           OutOfStock,             finish_back,                    ends_out_of_stock >,
Row< SettlingOrder,         OrderSettled,           Compensated,            finish_back,                    ends_compensated  >,
Row< SettlingOrder,         OrderSettleFailed,      NeedsOperator,          ask_operator                                      >,
Row< SettlingOrder,         CancelRequested,        none,                   note_late                                         >,
Row< SettlingOrder,         OrderChanged,           none,                   note_late                                         >,
Row< SettlingOrder,         OrderPaid,              none,                   note_late                                         >,
// --- late and repeated -----------------------------------------------------------------------------------------------
Row< Compensated,           LateFulfillmentFound,   none,                   cancel_late_found                                 >,
Row< Compensated,           FulfillmentMissing,     none,                   note_late                                         >,
Row< Compensated,           FulfillmentCancelled,   none,                   note_late                                         >,
Row< Compensated,           CancelTooLate,          none,                   ask_operator                                      >,
Row< Compensated,           CancelFailed,           none,                   ask_operator                                      >,
Row< Compensated,           CancelRequested,        none,                   note_late                                         >,
Row< Compensated,           OrderChanged,           none,                   tell_of_addition                                  >,
Row< OutOfStock,            CancelRequested,        none,                   note_late                                         >,
Row< OutOfStock,            OrderChanged,           none,                   tell_of_addition                                  >,
Row< OutOfStock,            OrderPaid,              none,                   note_late                                         >,
Row< Completed,             CancelRequested,        none,                   note_too_late                                     >,
Row< Completed,             OrderChanged,           none,                   note_too_late                                     >,
Row< Completed,             DeliveryReported,       none,                   note_late                                         >,
Row< Completed,             StoreFulfilled,         none,                   note_late                                         >,
Row< Completed,             FulfilledElsewhere,     none,                   note_late                                         >,
Row< Completed,             CancelTooLate,          none,                   note_late                                         >
>;
// clang-format on

#ifdef ORDERSAGA_PLANTED_FAULTS
// Each row can be taken out when the program starts, to see which test misses it (docs/mutants.md).
template <int Number, class Guard>
struct Unless {
    template <class E, class M, class S, class T>
    bool operator()(const E& event, M& machine, S& from, T& to) const {
        if (runtime::planted_row() == Number) return false;
        if constexpr (std::is_same_v<Guard, none>) {
            return true;
        } else {
            return Guard()(event, machine, from, to);
        }
    }
};
template <class R, class Number>
struct RemovableRow;
template <class From, class On, class To, class Do, class If, class Number>
struct RemovableRow<Row<From, On, To, Do, If>, Number> {
    using type = Row<From, On, To, Do, Unless<Number::value, If>>;
};
template <class R, class Number>
using Removable = typename RemovableRow<R, Number>::type;
using RunTable =
    boost::mp11::mp_transform<Removable, Table, boost::mp11::mp_iota_c<boost::mp11::mp_size<Table>::value>>;
#else
using RunTable = Table;
#endif

// --- the machine ------------------------------------------------------------------------------------------------------

struct Machine_ : msm::front::state_machine_def<Machine_> {
    using initial_state = Received;
    using transition_table = RunTable;
    // What an action throws about a broken payload passes through. MSM's own handling would end the process.
    using no_exception_thrown = int;

    template <class Event, class Machine>
    void no_transition(const Event&, Machine&, int) {}

    OrderStep* step = nullptr;
};
using Machine = msm::back::state_machine<Machine_>;

// Writes a state id into a machine that was never started, through its own serialize(): no entry action runs.
struct StateArchive {
    int state_id;

    template <class T>
    StateArchive& operator&(T& member) {
        if constexpr (std::is_array_v<T>) {
            if constexpr (std::is_same_v<std::remove_all_extents_t<T>, int>) member[0] = state_id;
        }
        return *this;
    }
};

struct StateNumber {
    const char* name;
    int id;
};

const std::vector<StateNumber>& state_numbers() {
    static const std::vector<StateNumber> numbers = [] {
        std::vector<StateNumber> all;
        boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, States>>([&](auto identity) {
            using State = typename decltype(identity)::type;
            all.push_back({State::text, msm::back::get_state_id<Machine::stt, State>::value});
        });
        return all;
    }();
    return numbers;
}

int id_of(std::string_view name) {
    for (const StateNumber& number : state_numbers()) {
        if (name == number.name) return number.id;
    }
    throw std::invalid_argument("unknown state " + std::string(name));
}

const char* name_of_id(int id) {
    for (const StateNumber& number : state_numbers()) {
        if (id == number.id) return number.name;
    }
    throw std::logic_error("the machine is in a state without a name");
}

template <class T>
std::string text_of_part() {
    if constexpr (std::is_same_v<T, none>) {
        return {};
    } else {
        return T::text;
    }
}

}  // namespace

bool run_through_table(OrderStep& step, const std::string& event, Payload payload) {
    Machine machine;
    machine.step = &step;
    StateArchive archive{id_of(step.saga.state)};
    machine.serialize(archive, 0);
    msm::back::HandledEnum result = msm::back::HANDLED_FALSE;
    bool known = false;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, Events>>([&](auto identity) {
        using EventType = typename decltype(identity)::type;
        if (event != EventType::text) return;
        known = true;
        result = machine.process_event(EventType{payload});
    });
    if (!known) throw std::invalid_argument("unknown event " + event);
    step.decision.state = name_of_id(machine.current_state()[0]);
    return result == msm::back::HANDLED_TRUE;
}

const std::vector<std::string>& OrderSaga::states() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const StateNumber& number : state_numbers())
            all.emplace_back(number.name);
        return all;
    }();
    return names;
}

const std::vector<TransitionRow>& OrderSaga::table() {
    static const std::vector<TransitionRow> rows = [] {
        std::vector<TransitionRow> all;
        boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, Table>>([&](auto identity) {
            using R = typename decltype(identity)::type;
            // MSM calls the source the target of a row that stays; the table has no row that leaves and comes back.
            bool stays = std::is_same_v<typename R::Source, typename R::Target>;
            all.push_back(
                {text_of_part<typename R::Source>(), text_of_part<typename R::Evt>(),
                 stays ? std::string() : text_of_part<typename R::Target>(), text_of_part<typename R::Action>(),
                 text_of_part<typename R::Guard>()});
        });
        return all;
    }();
    return rows;
}

}  // namespace ordersaga::sagas
