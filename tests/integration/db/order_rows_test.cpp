#include "tests/integration/db/a_merchant.hpp"

#include <gmock/gmock.h>

namespace ordersaga::db {
namespace {

using orders::ListingRow;
using orders::MovementRow;
using orders::ReceiptRow;
using orders::ReservationRow;
using orders::StockRow;
using std::chrono::minutes;
using std::chrono::seconds;

ReceiptRow a_receipt(const std::string& webhook, const std::string& event = "") {
    ReceiptRow row;
    row.merchant = merchant;
    row.store_id = eu;
    row.source = "shopify";
    row.topic = "orders/create";
    row.webhook_id = webhook;
    row.event_id = event;
    row.body = std::string("{\"a\":\0\xff}", 9);
    row.headers = {{"x-shopify-topic", "orders/create"}};
    return row;
}

ReservationRow a_reservation(int saga_number, sagas::SkuId sku) {
    ReservationRow row;
    row.key = ledger(sku);
    row.saga_id = uuid(saga_number);
    row.line_id = "1";
    return row;
}

MovementRow a_movement(sagas::SkuId sku, const std::string& kind, const std::string& cause, Instant at) {
    MovementRow row;
    row.key = ledger(sku);
    row.kind = kind;
    row.cause = cause;
    row.at = at;
    return row;
}

std::vector<std::int64_t> ids_of(const std::vector<ListingRow>& rows) {
    std::vector<std::int64_t> ids;
    for (const ListingRow& row : rows) {
        ids.push_back(row.listing_id.value);
    }
    return ids;
}

class OrderRows : public AMerchant {
protected:
    OrderRows() { add_sagas(1, 3); }

    void in_rows(const std::function<void(orders::Rows&)>& work) {
        AMerchant::in_rows([&](engine::Transaction&, orders::Rows& rows) { work(rows); });
    }

    void change_listing(int number, const std::function<void(ListingRow&)>& change) {
        in_rows([&](orders::Rows& rows) {
            auto found = rows.lock_listings(merchant, {}, {sagas::ListingId{number}}, {}, 0);
            ASSERT_EQ(found.size(), 1U);
            change(found[0]);
            rows.write_listings(found);
        });
    }
};

TEST_F(OrderRows, TheCatalogueReadsBack) {
    in_rows([&](orders::Rows& rows) {
        const auto stores = rows.stores({merchant});
        ASSERT_EQ(stores.size(), 2U);
        EXPECT_EQ(stores[0].key, "eu");
        EXPECT_EQ(stores[0].channel_wait, seconds(10));
        EXPECT_EQ(stores[0].hold_expiry, std::chrono::hours(72));
        EXPECT_EQ(stores[0].ship_methods["Standard"], "Std");
        EXPECT_EQ(rows.stores({merchant, sagas::MerchantId{2}}).size(), 3U);
        const auto warehouses = rows.warehouses({merchant});
        ASSERT_EQ(warehouses.size(), 1U);
        EXPECT_EQ(warehouses[0].reading_lag, minutes(5));
        const auto skus = rows.skus(merchant, {gift_set, shirt});
        ASSERT_EQ(skus.size(), 2U);
        EXPECT_TRUE(skus[0].components.empty());
        EXPECT_EQ(skus[1].components, (std::vector<std::pair<sagas::SkuId, std::int64_t>>{{shirt, 1}, {mug, 2}}));
        rows.set_store_status(merchant, eu, "uninstalled");
        EXPECT_EQ(rows.stores({merchant})[0].status, "uninstalled");
    });
}

TEST_F(OrderRows, KnowsAReceiptByItsWebhookIdAndByItsEvent) {
    in_rows([&](orders::Rows& rows) {
        EXPECT_EQ(
            rows.insert_receipts(
                {a_receipt("w1", "e1"), a_receipt("w1"), a_receipt("w2", "e1"), a_receipt("w3", "e2")}),
            (std::vector<bool>{true, false, false, true}));
        EXPECT_EQ(rows.insert_receipts({a_receipt("w3")}), std::vector<bool>{false});
        EXPECT_EQ(
            rows.know_receipts({a_receipt("w1"), a_receipt("w4"), a_receipt("w5", "e2"), a_receipt("w6", "e3")}),
            (std::vector<bool>{true, false, true, false}));
        ReceiptRow parked = a_receipt("w1", "e1");
        parked.status = orders::ReceiptStatus::parked;
        parked.reason = "no number";
        parked.order_id = "77";
        rows.update_receipts({parked, a_receipt("unknown")});
    });
    EXPECT_EQ(look("SELECT count(*) FROM webhook_receipts"), "2");
    EXPECT_EQ(
        look("SELECT status || reason || order_id FROM webhook_receipts WHERE webhook_id = 'w1'"), "parkedno number77");
}

TEST_F(OrderRows, SealsABodyUnderTheKeyOfItsStore) {
    in_rows([&](orders::Rows& rows) { rows.insert_receipts({a_receipt("w1")}); });
    EXPECT_EQ(look("SELECT position('\\x7b2261223a'::bytea IN body) FROM webhook_receipts"), "0");

    Connection connection({database.dsns().engine, "test"});
    const auto opened = [&](const std::string& webhook_id) {
        std::string text;
        connection.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query("SELECT data_key_id, body FROM webhook_receipts");
            const KeptBody kept{1, 1, "orders/create", webhook_id, rows.optional_text(0, 0), rows.bytes(0, 1)};
            const runtime::Result<std::string> body = opened_body(transaction, test::test_keys(), kept);
            text = body ? *body : body.error().message;
        });
        return text;
    };
    EXPECT_EQ(opened("w1"), a_receipt("w1").body);
    EXPECT_NE(opened("w2"), a_receipt("w1").body) << "it opens in its own place only";
    run_as_engine("DELETE FROM store_keys");
    EXPECT_EQ(opened("w1"), "the key that it was sealed under was thrown away");
}

TEST_F(OrderRows, ReadsTheBodiesThatEarlierReleasesKept) {
    in_rows([&](orders::Rows& rows) { rows.insert_receipts({a_receipt("w1")}); });
    Connection connection({database.dsns().engine, "test"});
    connection.transact([&](Transaction& transaction) {
        const Rows row = transaction.query("SELECT key_id, sealed FROM store_keys");
        const auto key = opened_store_key(test::test_keys(), 1, 1, {row.text(0, 0), row.bytes(0, 1)});
        ASSERT_TRUE(key);
        const runtime::Sealed plain = key->seal("as it came", "body\n1\n1\norders/create\nw1");
        const runtime::Result<std::string> body =
            opened_body(transaction, test::test_keys(), {1, 1, "orders/create", "w1", plain.key_id, plain.bytes});
        ASSERT_TRUE(body) << body.error().message;
        EXPECT_EQ(*body, "as it came");
    });
}

// The key is kept in memory for a minute; nobody may be kept under one that is gone.
TEST_F(OrderRows, KeepsNobodyUnderAKeyThatWasThrownAway) {
    const auto keep = [&](const std::string& order_id, int saga_number) {
        in_rows([&](orders::Rows& rows) {
            rows.lock_orders({{merchant, eu, order_id}});
            orders::PersonalRow person;
            person.order = {merchant, eu, order_id};
            person.saga_id = uuid(saga_number);
            person.recipient["name"] = "Ada";
            rows.write_personal({person});
        });
    };
    keep("1", 1);
    keep("2", 2);
    EXPECT_EQ(look("SELECT count(*) FROM store_keys"), "1");
    run_as_engine("DELETE FROM store_keys");
    EXPECT_EQ(look("SELECT count(*) FROM personal_data"), "0") << "they go with their key";

    EXPECT_THROW(keep("3", 3), engine::StoreUnavailable);
    keep("3", 3);
    EXPECT_EQ(look("SELECT order_id FROM personal_data"), "3");
}

TEST_F(OrderRows, CreatesOrdersEmptyAndGivesASagaToOneOnly) {
    in_rows([&](orders::Rows& rows) {
        auto found = rows.lock_orders({{merchant, eu, "2"}, {merchant, eu, "1"}, {merchant, eu, "1"}});
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].key.order_id, "1");
        EXPECT_FALSE(found[0].has_document);
        found[0].saga_id = uuid(1);
        found[0].has_document = true;
        found[0].document.order_id = "1";
        found[0].document.lines.push_back({"9007199254740993", "v", "SHIRT", 2, 2, 2, true, false, true});
        found[0].document.cancelled_at = start;
        found[0].early_refunds.push_back({"5", {{"9", 1, "return", "4"}}});
        rows.write_orders({found[0]});
    });
    in_rows([&](orders::Rows& rows) {
        auto found = rows.lock_orders({{merchant, eu, "1"}});
        EXPECT_EQ(found[0].saga_id, uuid(1));
        EXPECT_TRUE(found[0].has_document);
        EXPECT_EQ(found[0].document.lines.at(0).line_id, "9007199254740993");
        EXPECT_EQ(found[0].document.cancelled_at, start);
        EXPECT_EQ(found[0].early_refunds.at(0).lines.at(0).restock_type, "return");
    });
    EXPECT_THROW(
        in_rows([&](orders::Rows& rows) {
            auto second = rows.lock_orders({{merchant, eu, "2"}});
            second[0].saga_id = uuid(1);
            rows.write_orders(second);
        }),
        engine::BadItem);
    EXPECT_THROW(in_rows([](orders::Rows& rows) { rows.lock_orders({{merchant, eu, "12a"}}); }), engine::BadItem);
}

// In the sequence of the keys, and none of an order that has no document, or has one of which not everything is settled.
TEST_F(OrderRows, TellsWhichOrdersStandAsAStoreListsThem) {
    const std::vector<orders::OrderKey> keys = {
        {merchant, eu, "2"},
        {merchant, eu, "1"},
        {merchant, eu, "unheard of"},
        {merchant, us, "1"},
        {merchant, eu, "3"}};
    sagas::OrderDocument document;
    document.order_id = "1";
    document.updated_at = start;
    document.financial_status = "paid";
    document.lines.push_back({"9", "v", "SHIRT", 2, 1, 1, true, false, true});
    in_rows([&](orders::Rows& rows) {
        auto found = rows.lock_orders({{merchant, eu, "1"}, {merchant, eu, "2"}, {merchant, eu, "3"}});
        for (const std::size_t n : {0U, 2U}) {
            found[n].has_document = true;
            found[n].document = document;
        }
        found[2].document.lines.front().current_quantity = 2;
        rows.write_orders(found);
    });
    const std::string stamp = stamp_of(document);
    ASSERT_TRUE(stamp.ends_with(" paid - 1")) << stamp;
    const std::string other = stamp.substr(0, stamp.size() - 1) + "2";
    in_rows([&](orders::Rows& rows) {
        EXPECT_THAT(rows.peek_stamps(keys), testing::ElementsAre("", stamp, "", "", other));
        EXPECT_TRUE(rows.peek_stamps({}).empty());
    });
    in_rows([&](orders::Rows& rows) {
        rows.write_found({{merchant, "eu.9.1", "eu.9", nlohmann::json::object()}});
        EXPECT_THAT(rows.peek_stamps(keys), testing::Each(""))
            << "every document is wanted while something is not settled";
    });
}

// Those that are over, that another system sends, or of another store are not.
TEST_F(OrderRows, CountsOrdersThatAreBeingSent) {
    const auto make_order = [&](int number, const std::string& state, bool final, const std::string& data) {
        run_as_engine(
            "UPDATE sagas SET kind = 'order', state = '" + state + "', final = " + (final ? "true" : "false") +
            ", next_wake = " + (final ? "NULL" : "now()") + ", data = '" + data + "' WHERE saga_id = '" + uuid(number) +
            "'");
    };
    add_sagas(4, 4);
    make_order(1, "Reserved", false, R"({"store_id": 1})");
    make_order(2, "Completed", true, R"({"store_id": 1})");
    make_order(3, "Reserved", false, R"({"store_id": 1, "observed": true})");
    make_order(4, "Reserved", false, R"({"store_id": 2})");
    in_rows([&](orders::Rows& rows) { EXPECT_EQ(rows.count_orders_being_sent(merchant, sagas::StoreId{1}), 1); });
}

TEST_F(OrderRows, AReferenceBelongsToOneSagaForEver) {
    in_rows([&](orders::Rows& rows) {
        rows.write_references({{"eu.1.1.1", saga(1)}, {"eu.1.1.1", saga(1)}, {"eu.2.1.1", saga(2)}});
        rows.write_references({{"eu.1.1.1", saga(1)}});
        EXPECT_EQ(
            rows.sagas_of_references(merchant, {"eu.1.1.1", "nobody's"}),
            (std::vector<orders::ReferenceRow>{{"eu.1.1.1", saga(1), false}}));
    });
    EXPECT_THROW(in_rows([&](orders::Rows& rows) { rows.write_references({{"eu.1.1.1", saga(2)}}); }), engine::BadItem);
}

// What another saga, another state of the order or another state of the fulfilment has does not count.
TEST_F(OrderRows, TellsWhichReferencesAreAcceptedAndKnownToBe) {
    in_rows([&](orders::Rows& rows) {
        rows.write_references({{"eu.1.1.1", saga(1)}, {"eu.2.1.1", saga(2)}, {"eu.2.2.1", saga(2)}});
    });
    const auto accepted = [&] {
        std::set<std::string> found;
        in_rows([&](orders::Rows& rows) {
            for (const orders::ReferenceRow& row :
                 rows.sagas_of_references(merchant, {"eu.1.1.1", "eu.2.1.1", "eu.2.2.1", "eu.3.1.1"})) {
                if (row.accepted) found.insert(row.reference);
            }
            EXPECT_TRUE(rows.sagas_of_references(merchant, {}).empty());
            EXPECT_TRUE(rows.sagas_of_references(sagas::MerchantId{2}, {"eu.1.1.1"}).empty());
        });
        return found;
    };
    const auto tell = [&](int number, const std::string& state, const std::string& fulfillments) {
        run_as_engine(
            "UPDATE sagas SET state = '" + state + "', data = '{\"fulfillments\": " + fulfillments +
            "}' WHERE saga_id = '" + uuid(number) + "'");
    };
    tell(1, "FulfillmentRequested", R"([{"reference": "eu.1.1.1", "state": "accepted"}])");
    tell(
        2, "FulfillmentRequested",
        R"([{"reference": "eu.2.1.1", "state": "cancelled"}, {"reference": "eu.2.2.1", "state": "accepted"}])");
    EXPECT_EQ(accepted(), (std::set<std::string>{"eu.1.1.1", "eu.2.2.1"}));
    tell(1, "CancellingFulfillment", R"([{"reference": "eu.1.1.1", "state": "accepted"}])");
    tell(2, "FulfillmentRequested", R"([{"reference": "eu.1.1.1", "state": "accepted"}])");
    EXPECT_EQ(accepted(), std::set<std::string>{}) << "each by its own saga";
}

TEST_F(OrderRows, LedgersReadBackAndAreCreatedWhenMissing) {
    in_rows([&](orders::Rows& rows) {
        auto found = rows.lock_stock({ledger(gift_set), ledger(shirt), ledger(shirt)});
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].available, 10);
        EXPECT_EQ(found[1].available, 0);
        StockRow& row = found[0];
        row.available = 0;
        row.reserved = 3;
        row.committed = 4;
        row.unavailable = 5;
        row.returning = 2;
        row.on_hand = 10;
        row.short_by = 2;
        row.waiting = 6;
        row.version = 7;
        row.read_asked_at = start;
        row.warehouse_fulfillable = 9;
        rows.write_stock({row}, {});
    });
    in_rows([&](orders::Rows& rows) {
        const StockRow row = rows.lock_stock({ledger(shirt)}).front();
        EXPECT_EQ(row.returning, 2);
        EXPECT_EQ(row.short_by, 2);
        EXPECT_EQ(row.waiting, 6);
        EXPECT_EQ(row.version, 7);
        EXPECT_EQ(row.read_asked_at, start);
        EXPECT_FALSE(row.demand_read_at);
        EXPECT_EQ(row.warehouse_fulfillable, 9);
    });
}

TEST_F(OrderRows, ALedgerThatMovedOnIsNotWritten) {
    const auto write = [&] {
        in_rows([&](orders::Rows& rows) {
            StockRow row = rows.lock_stock({ledger(shirt)}).front();
            row.version_read -= 1;
            row.version += 1;
            rows.write_stock({row}, {});
        });
    };
    EXPECT_THROW(write(), engine::StoreUnavailable);
    in_rows([&](orders::Rows& rows) { EXPECT_EQ(rows.lock_stock({ledger(shirt)}).front().version, 0); });
}

TEST_F(OrderRows, RefusesALedgerThatDoesNotAddUp) {
    const auto write = [&](const std::function<void(StockRow&)>& change) {
        in_rows([&](orders::Rows& rows) {
            StockRow row = rows.lock_stock({ledger(shirt)}).front();
            change(row);
            rows.write_stock({row}, {});
        });
    };
    EXPECT_THROW(write([](StockRow& row) { row.available -= 1; }), engine::BadItem);
    EXPECT_THROW(write([](StockRow& row) { row.available = -1, row.reserved = 11; }), engine::BadItem);
    EXPECT_THROW(write([](StockRow& row) { row.short_by = 1, row.on_hand = 9; }), engine::BadItem);
    EXPECT_THROW(write([](StockRow& row) { row.key.sku_id = sagas::SkuId{99}; }), engine::BadItem);
}

TEST_F(OrderRows, ACauseMovesALedgerOnce) {
    in_rows([&](orders::Rows& rows) { rows.write_stock({}, {a_movement(shirt, "grant", "saga 1", start)}); });
    in_rows([&](orders::Rows& rows) { rows.write_stock({}, {a_movement(mug, "grant", "saga 1", start)}); });
    EXPECT_THROW(
        in_rows([&](orders::Rows& rows) { rows.write_stock({}, {a_movement(shirt, "grant", "saga 1", start)}); }),
        engine::BadItem);
}

TEST_F(OrderRows, QueuesWaitingSagasOldestFirstWithAllTheirRows) {
    ReservationRow early = a_reservation(2, shirt);
    early.waiting = 1;
    early.queued_at = start;
    ReservationRow late = a_reservation(1, shirt);
    late.waiting = 1;
    late.queued_at = start + seconds(1);
    ReservationRow other_line = a_reservation(1, mug);
    other_line.waiting = 2;
    other_line.queued_at = start + seconds(1);
    ReservationRow elsewhere = a_reservation(3, mug);
    elsewhere.waiting = 1;
    elsewhere.queued_at = start;
    in_rows([&](orders::Rows& rows) {
        rows.write_reservations({early, late, other_line, elsewhere, early});
        std::vector<std::string> queue;
        for (const ReservationRow& row : rows.waiting_for({ledger(shirt)})) {
            queue.push_back(row.saga_id + " " + std::to_string(row.key.sku_id.value));
        }
        EXPECT_EQ(queue, (std::vector<std::string>{uuid(2) + " 1", uuid(1) + " 1", uuid(1) + " 2"}));
        EXPECT_EQ(rows.reservations_of({saga(1)}).size(), 2U);
        early.waiting = 0;
        early.queued_at.reset();
        early.held = 1;
        rows.write_reservations({early});
        EXPECT_EQ(rows.reservations_of({saga(2)}).front().held, 1);
    });
    ReservationRow broken = a_reservation(1, shirt);
    broken.waiting = 1;
    EXPECT_THROW(in_rows([&](orders::Rows& rows) { rows.write_reservations({broken}); }), engine::BadItem);
}

// Five orders, one a second: the last has shipped what it had, and nothing of the mug is missing.
TEST_F(OrderRows, NamesTheYoungestOrdersThatHoldWhatIsMissing) {
    engine::Changes changes;
    for (int number = 11; number <= 15; ++number) {
        engine::SagaRow row = a_saga(number);
        row.subject = "order " + std::to_string(number);
        row.created_at = start + seconds(number);
        changes.new_sagas.push_back(row);
    }
    write(changes);
    ReservationRow shipped = a_reservation(15, shirt);
    shipped.shipped = 9;
    ReservationRow oldest = a_reservation(11, shirt);
    oldest.held = 4;
    ReservationRow older = a_reservation(12, shirt);
    older.held = 1;
    ReservationRow younger = a_reservation(13, shirt);
    younger.committed = 1;
    ReservationRow its_other_line = younger;
    its_other_line.line_id = "2";
    its_other_line.held = 1;
    its_other_line.committed = 0;
    ReservationRow youngest = a_reservation(14, shirt);
    youngest.held = 1;
    ReservationRow of_another_ledger = a_reservation(14, mug);
    of_another_ledger.held = 7;
    const auto set_short = [&](std::int64_t units) {
        in_rows([&](orders::Rows& rows) {
            StockRow row = rows.lock_stock({ledger(shirt)}).front();
            row.available = 0;
            row.reserved = row.on_hand + units;
            row.short_by = units;
            rows.write_stock({row}, {});
        });
    };
    const auto at_risk = [&](std::size_t named) {
        std::string text;
        in_rows([&](orders::Rows& rows) {
            for (const orders::Rows::AtRisk& risk : rows.at_risk({ledger(shirt), ledger(mug)}, named)) {
                text += std::to_string(risk.stock.sku_id.value) + ":";
                for (const std::string& subject : risk.youngest)
                    text += " " + subject;
                text += " of " + std::to_string(risk.orders);
            }
        });
        return text;
    };
    in_rows([&](orders::Rows& rows) {
        rows.write_reservations({shipped, oldest, older, younger, its_other_line, youngest, of_another_ledger});
    });
    EXPECT_EQ(at_risk(5), "") << "nothing is missing";
    set_short(1);
    EXPECT_EQ(at_risk(5), "1: order 14 of 1");
    set_short(3);
    EXPECT_EQ(at_risk(5), "1: order 14 order 13 of 2") << "both lines of an order count";
    set_short(4);
    EXPECT_EQ(at_risk(5), "1: order 14 order 13 order 12 of 3");
    EXPECT_EQ(at_risk(2), "1: order 14 order 13 of 3") << "named are as many as asked for, counted all";
}

// A reading counts a line that was accepted at least `lag` before it was asked for.
TEST_F(OrderRows, SumsUnitsThatAReadingMayNotHaveCounted) {
    const Instant asked = start + minutes(10);
    ReservationRow old_line = a_reservation(1, shirt);
    old_line.committed = 1;
    old_line.accepted_at = start + minutes(5);
    ReservationRow fresh = a_reservation(2, shirt);
    fresh.committed = 2;
    fresh.accepted_at = start + minutes(6);
    ReservationRow shipped_since = a_reservation(3, shirt);
    shipped_since.shipped = 3;
    shipped_since.accepted_at = start + minutes(9);
    MovementRow shipped = a_movement(shirt, "ship", "shipment", start + minutes(11));
    shipped.saga_id = uuid(3);
    shipped.line_id = "1";
    shipped.committed = shipped.on_hand = -3;
    MovementRow returned = a_movement(shirt, "return", "cancelled", start + minutes(12));
    returned.committed = -4;
    returned.unavailable = returned.returning = 4;
    MovementRow accepted = a_movement(shirt, "accept", "accepted", start + minutes(11));  // what came has not left
    accepted.saga_id = uuid(2);
    accepted.line_id = "1";
    accepted.committed = 2;
    accepted.reserved = -2;
    in_rows([&](orders::Rows& rows) {
        rows.write_reservations({old_line, fresh, shipped_since});
        rows.write_stock({}, {shipped, returned, accepted});
        const auto units = rows.not_counted({ledger(shirt), ledger(mug)}, asked, minutes(5));
        EXPECT_EQ(
            units, (std::vector<std::pair<orders::StockKey, std::int64_t>>{{ledger(shirt), 5}, {ledger(mug), 0}}));
        EXPECT_EQ(rows.returned_since({ledger(shirt)}, asked).front().second, 4);
        EXPECT_EQ(rows.returned_since({ledger(shirt)}, start + minutes(12)).front().second, 0);
    });
}

TEST_F(OrderRows, SumsUnitsInDoubtForEveryReading) {
    ReservationRow counted = a_reservation(1, shirt);
    counted.committed = 1;
    counted.accepted_at = start;
    ReservationRow in_doubt = a_reservation(2, shirt);
    in_doubt.committed = 2;
    ReservationRow held_again = a_reservation(3, shirt);
    held_again.held = 4;
    MovementRow retaken = a_movement(shirt, "accept", "retake", start + minutes(12));
    retaken.saga_id = uuid(3);
    retaken.line_id = "1";
    retaken.committed = -4;
    retaken.reserved = 4;
    in_rows([&](orders::Rows& rows) {
        rows.write_reservations({counted, in_doubt, held_again});
        rows.write_stock({}, {retaken});
        for (const minutes asked : {minutes(10), minutes(60 * 24)})
            EXPECT_EQ(rows.not_counted({ledger(shirt)}, start + asked, minutes(5)).front().second, 2);
    });
}

TEST_F(OrderRows, SumsHeldUnitsThatTheWarehouseWasAskedFor) {
    ReservationRow asked = a_reservation(1, shirt);
    asked.held = 2;
    ReservationRow waiting = a_reservation(2, shirt);
    waiting.held = 4;
    ReservationRow perhaps = a_reservation(3, shirt);
    perhaps.held = 8;
    in_rows([&](orders::Rows& rows) { rows.write_reservations({asked, waiting, perhaps}); });
    const auto command = [&](int saga, const std::string& state, bool perhaps_applied, const std::string& activity) {
        run_as_engine(
            "INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, state, payload, "
            "idempotency_key, attempt_token, perhaps_applied, created_at, due_at, sent_at, deadline, closed_at) SELECT "
            "merchant_id, gen_random_uuid(), saga_id, '" +
            activity + "', 'l', 0, '" + state + "', '{}', gen_random_uuid()::text, 't', " +
            (perhaps_applied ? "true" : "false") + ", now(), now(), now(), now(), " +
            (state == "closed" ? "now()" : "NULL") + " FROM sagas WHERE saga_id = '" + uuid(saga) + "'");
    };
    command(1, "sent", false, "RequestFulfillment");
    command(1, "sent", false, "RequestFulfillment");  // two parts of one order: its units count once
    command(1, "closed", true, "RequestFulfillment");
    command(2, "waiting", false, "RequestFulfillment");
    command(2, "closed", true, "RequestFulfillment");
    command(2, "sent", false, "CancelFulfillment");
    command(3, "waiting", true, "RequestFulfillment");
    in_rows([&](orders::Rows& rows) {
        EXPECT_EQ(
            rows.requested({ledger(shirt), ledger(mug)}),
            (std::vector<std::pair<orders::StockKey, std::int64_t>>{{ledger(shirt), 10}}));
        EXPECT_TRUE(rows.requested({}).empty());
    });
}

TEST_F(OrderRows, ComposesListingsAndFindsThem) {
    in_rows([&](orders::Rows& rows) {
        EXPECT_EQ(
            ids_of(rows.lock_listings(merchant, {mug}, {sagas::ListingId{1}}, {}, 0)),
            (std::vector<std::int64_t>{1, 2, 3, 5, 6}));
        const auto found = rows.find_listings(merchant, eu, {"101"}, {"SET"});
        EXPECT_EQ(ids_of(found), (std::vector<std::int64_t>{1, 3}));
        ASSERT_EQ(found[1].components.size(), 2U);
        EXPECT_EQ(found[1].components[1].quantity, 2);
        EXPECT_TRUE(found[0].wants_read);
        EXPECT_FALSE(found[0].believed);
    });
}

// The engine keeps what it has read of the catalogue, as long as nobody changes it.
TEST_F(OrderRows, NoticesThatTheCatalogueHasChanged) {
    const auto seen = [&] {
        std::string text;
        in_rows([&](orders::Rows& rows) {
            for (const ListingRow& row : rows.find_listings(merchant, eu, {"101", "102", "109"}, {})) {
                text += row.variant_id + " is " + std::to_string(row.sku_id.value);
                for (const orders::ListingComponent& part : row.components)
                    text += " x" + std::to_string(part.quantity);
                text += ", ";
            }
            for (const orders::SkuRow& row : rows.skus(merchant, {shirt, mug, {3}}))
                text += row.sku + " " + std::to_string(row.buffer) + " " + std::to_string(row.components.size()) + ", ";
        });
        return text;
    };
    const auto changed = [&](const std::string& statement) {
        run_as_engine(statement);
        return seen();
    };
    EXPECT_EQ(seen(), "101 is 1 x1, 102 is 2 x1, SHIRT 0 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(seen(), "101 is 1 x1, 102 is 2 x1, SHIRT 0 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(
        changed("UPDATE skus SET buffer = 3 WHERE sku_id = 1"),
        "101 is 1 x1, 102 is 2 x1, SHIRT 3 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(
        changed("INSERT INTO listings (merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, "
                "location_id)"
                " VALUES (1, 9, 1, 1, '109', '209', '4')"),
        "101 is 1 x1, 102 is 2 x1, 109 is 1 x1, SHIRT 3 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(
        changed("UPDATE listings SET sku_id = 3 WHERE listing_id = 2"),
        "101 is 1 x1, 102 is 3 x1 x2, 109 is 1 x1, SHIRT 3 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(
        changed("UPDATE sku_components SET quantity = 4 WHERE component_sku_id = 2"),
        "101 is 1 x1, 102 is 3 x1 x4, 109 is 1 x1, SHIRT 3 0, MUG 0 0, SET 1 2, ");
    EXPECT_EQ(
        changed("DELETE FROM sku_components WHERE component_sku_id = 2"),
        "101 is 1 x1, 102 is 3 x1, 109 is 1 x1, SHIRT 3 0, MUG 0 0, SET 1 1, ");
    EXPECT_EQ(
        changed("DELETE FROM listings WHERE listing_id = 1"),
        "102 is 3 x1, 109 is 1 x1, SHIRT 3 0, MUG 0 0, SET 1 1, ");
}

TEST_F(OrderRows, CountsTheTransactionsThatChangeTheCatalogue) {
    const auto version = [&] {
        return look("SELECT version FROM catalogue_versions WHERE merchant_id = 1");
    };
    const std::int64_t before = std::stoll(version());
    run_as_engine("UPDATE skus SET buffer = 3; UPDATE listings SET variant_id = variant_id || '0'");
    EXPECT_EQ(version(), std::to_string(before + 1)) << "of however many rows";
    change_listing(1, [](ListingRow& row) { row.target = 4; });
    EXPECT_EQ(version(), std::to_string(before + 1)) << "figures are not the catalogue's";
    run_as_engine("DELETE FROM listings WHERE listing_id = 6");
    EXPECT_EQ(version(), std::to_string(before + 2));
}

TEST_F(OrderRows, AListingFollowsItsBundle) {
    change_listing(3, [](ListingRow& row) { row.components[0].confirmed_version = 4; });
    run_as_engine("UPDATE sku_components SET quantity = 3 WHERE component_sku_id = 2");
    const auto made_of = [&] {
        return look("SELECT composition::text FROM listings WHERE listing_id = 3");
    };
    EXPECT_EQ(made_of(), "{1,1,0,4,2,3,0,0}");
    // As an earlier release writes it.
    run_as_engine("UPDATE listing_components SET composed_version = 5, confirmed_version = 3 WHERE listing_id = 3");
    EXPECT_EQ(made_of(), "{1,1,5,4,2,3,5,3}") << "what is known does not go back";
    run_as_engine("DELETE FROM sku_components");
    EXPECT_EQ(made_of(), "{3,1,0,0}");
    EXPECT_EQ(
        look("SELECT string_agg(sku_id || 'x' || quantity, ' ') FROM listing_components WHERE listing_id = 3"), "3x1");
    EXPECT_THROW(
        run_as_engine("INSERT INTO sku_components VALUES (1, 3, 1, 1); INSERT INTO sku_components VALUES (1, 2, 3, 1)"),
        BadData);
}

TEST_F(OrderRows, FlushesTheScarcestFirstAndOnlyWhatMayBeSent) {
    const auto set = [&](int number, std::int64_t target, const std::function<void(ListingRow&)>& change) {
        change_listing(number, [&](ListingRow& row) {
            row.wants_read = false;
            row.believed = 5;
            row.target = target;
            change(row);
        });
    };
    const auto nothing = [](ListingRow&) {
    };
    const auto to_flush = [&](std::size_t limit) {
        std::vector<std::int64_t> found;
        in_rows([&](orders::Rows& rows) { found = ids_of(rows.lock_listings(merchant, {}, {}, {eu, us}, limit)); });
        return found;
    };
    set(1, 4, nothing);
    set(2, 2, nothing);
    set(3, 1, nothing);
    EXPECT_EQ(to_flush(2), (std::vector<std::int64_t>{2, 3}));
    set(3, 1, [](ListingRow& row) { row.parked = "poison"; });
    set(2, 2, [](ListingRow& row) { row.in_flight = -3; });
    EXPECT_EQ(to_flush(9), (std::vector<std::int64_t>{1}));
    set(1, 4, [](ListingRow& row) { row.wants_read = true; });
    EXPECT_TRUE(to_flush(9).empty());
}

TEST_F(OrderRows, HasOneOpenFlushPerStore) {
    orders::FlushRow flush;
    flush.merchant = merchant;
    flush.flush_id = sagas::FlushId{1};
    flush.store_id = eu;
    flush.key = "k1";
    flush.command_id = uuid(9);
    flush.items.push_back({sagas::ListingId{1}, -2, {{shirt, 7}}});
    orders::FlushRow second = flush;
    second.flush_id = sagas::FlushId{2};
    second.key = "k2";
    in_rows([&](orders::Rows& rows) { rows.write_flushes({flush}); });
    EXPECT_THROW(in_rows([&](orders::Rows& rows) { rows.write_flushes({second}); }), engine::BadItem);
    in_rows([&](orders::Rows& rows) {
        EXPECT_TRUE(rows.open_flushes(merchant, {eu, us}).at(0).items.empty());
        const auto open = rows.read_open_flushes(merchant, {eu, us}, {uuid(9)});
        ASSERT_EQ(open.size(), 1U);
        EXPECT_EQ(open[0].items.at(0).delta, -2);
        EXPECT_EQ(open[0].items.at(0).versions.at(0).second, 7);
        flush.closed_at = start;
        flush.outcome = "applied";
        rows.write_flushes({second, flush});
        EXPECT_EQ(rows.open_flushes(merchant, {eu}).front().key, "k2");
    });
}

TEST_F(OrderRows, RemembersTheLevelThatAStoreToldLast) {
    const auto hint = [this](const char* item, std::int64_t available, Instant told_at) {
        return orders::LevelHint{merchant, eu, item, "4", available, told_at, start};
    };
    const auto remembered = [&] {
        return look("SELECT string_agg(listing_id || ': ' || available, ' ') FROM level_hints");
    };
    in_rows([&](orders::Rows& rows) { rows.keep_hints({hint("202", 4, start), hint("999", 1, start)}); });
    EXPECT_EQ(remembered(), "2: 4") << "no listing has the other level";
    in_rows([&](orders::Rows& rows) { rows.keep_hints({hint("202", 7, start - seconds(1))}); });
    EXPECT_EQ(remembered(), "2: 4") << "told before";
    in_rows([&](orders::Rows& rows) { rows.keep_hints({hint("202", 6, start), hint("202", 5, start)}); });
    EXPECT_EQ(remembered(), "2: 5") << "told at the same time, heard later";
}

TEST_F(OrderRows, ReadsListingsInDoubtOrHintedOtherwise) {
    const auto to_read = [&](Instant hinted_before, std::int64_t after = 0) {
        std::vector<std::int64_t> found;
        in_rows([&](orders::Rows& rows) {
            found = ids_of(rows.claim_listings_to_read(merchant, {{us, {0}}, {eu, {after}}}, hinted_before, 9));
        });
        return found;
    };
    change_listing(2, [&](ListingRow& row) {
        row.wants_read = false;
        row.believed = 5;
    });
    change_listing(3, [](ListingRow& row) { row.in_flight = 1; });
    using Ids = std::vector<std::int64_t>;
    const auto tell = [&](std::optional<std::int64_t> available) {
        in_rows([&](orders::Rows& rows) {
            rows.keep_hints({{merchant, eu, "202", "4", available, start - std::chrono::hours(1), start}});
        });
    };
    tell(std::nullopt);
    EXPECT_EQ(to_read(start + seconds(1)), (Ids{1, 4, 5, 6})) << "the store does not count it";
    tell(5);
    EXPECT_EQ(to_read(start + seconds(1)), (Ids{1, 4, 5, 6})) << "as it is believed";
    tell(4);
    EXPECT_EQ(to_read(start), (Ids{1, 4, 5, 6}));
    EXPECT_EQ(to_read(start + seconds(1), 2), (Ids{4, 5, 6})) << "of the one store behind both";
    EXPECT_EQ(to_read(start + seconds(1)), (Ids{1, 2, 4, 5, 6}));
    in_rows([&](orders::Rows& rows) { rows.drop_hints(merchant, {{1}, {2}, {3}}); });
    EXPECT_EQ(to_read(start + seconds(1)), (Ids{1, 4, 5, 6})) << "the hint is answered";
}

TEST_F(OrderRows, TellsEachListingMoveOnce) {
    const orders::ListingMove sale{merchant, sagas::ListingId{1}, "sale", "line 1", -1};
    in_rows([&](orders::Rows& rows) {
        EXPECT_EQ(rows.insert_listing_moves({sale, sale}), (std::vector<bool>{true, false}));
        EXPECT_EQ(rows.insert_listing_moves({sale}), (std::vector<bool>{false}));
    });
}

TEST_F(OrderRows, TakesNoMoveTwiceThatNobodyCanKnow) {
    const orders::ListingMove flush{merchant, sagas::ListingId{1}, "flush", "7", -1};
    in_rows([&](orders::Rows& rows) { rows.add_listing_moves({flush}); });
    EXPECT_THROW(in_rows([&](orders::Rows& rows) { rows.add_listing_moves({flush}); }), engine::BadItem);
}

TEST_F(OrderRows, AnswersAllWaitsOfTheSagasThatWaitForAVersionReached) {
    in_rows([&](orders::Rows& rows) {
        rows.add_waits(
            {{saga(1), "channels", ledger(shirt), 2},
             {saga(1), "channels", ledger(mug), 3},
             {saga(2), "channels", ledger(mug), 4},
             {saga(1), "reading", ledger(shirt), 0}});
        rows.add_waits({{saga(1), "channels", ledger(shirt), 5}});
        EXPECT_TRUE(rows.waits_for("channels", {{ledger(shirt), 4}}).empty()) << "it waits for a later one";
        const auto waits = rows.waits_for("channels", {{ledger(shirt), 5}, {ledger(mug), 3}});
        ASSERT_EQ(waits.size(), 2U);
        EXPECT_EQ(waits[0].version, 5);
        EXPECT_EQ(waits[1].version, 3);
        EXPECT_EQ(rows.waits_for("channels", {{ledger(mug), 4}}).size(), 3U) << "both, and what else one waits for";
        EXPECT_TRUE(rows.waits_for("channels", {{{merchant, shirt, sagas::WarehouseId{77}}, 9}}).empty());
        EXPECT_EQ(rows.waits_of(saga(1), "channels").size(), 2U);
        EXPECT_EQ(rows.waits_of(saga(1), "reading").size(), 1U);
        rows.drop_waits({saga(1)}, "channels");
        EXPECT_TRUE(rows.waits_for("channels", {{ledger(shirt), 9}}).empty());
        EXPECT_EQ(rows.waits_of(saga(2), "channels").size(), 1U);
        EXPECT_EQ(rows.waits_for("reading", {{ledger(shirt), 0}}).size(), 1U);
    });
}

}  // namespace
}  // namespace ordersaga::db
