// What erasing leaves alone, and an answer that is given twice. The whole way of a request: tests/integration/hostile.
#include "db/privacy.hpp"
#include "runtime/json.hpp"
#include "sagas/order_data.hpp"
#include "tests/integration/db/a_merchant.hpp"

namespace ordersaga::db {
namespace {

class PrivacyRows : public AMerchant {
protected:
    PrivacyRows() { add_sagas(1, 1); }

    Session session{{database.dsns().engine, "test"}};
};

// An order that is over, and given up in doubt: the warehouse is still asked for it, by what the command names.
TEST_F(PrivacyRows, ALookThatIsStillToComeKeepsWhatItLooksFor) {
    engine::CommandRow ended = sent(a_command(10, 1, "a"), start);
    ended.state = engine::CommandState::closed;
    ended.closed_at = start;
    add_command(ended);
    add_command(a_command(11, 1, "late-check"));
    const std::string data = runtime::dump_json(to_json(sagas::OrderData{}));
    run_as_engine(
        "UPDATE sagas SET kind = 'order', state = 'Compensated', final = true, next_wake = NULL, data = '" + data +
        "'");
    run_as_engine("INSERT INTO orders (merchant_id, store_id, order_id, saga_id) SELECT 1, 1, '7', saga_id FROM sagas");
    session.transact([](Transaction& transaction) {
        ASSERT_TRUE(ask_erasure(transaction, "Shirts", "eu", {"7"}, "anna", "test").has_value());
    });

    EXPECT_EQ(erase_asked(session, [] { return true; }).orders, 1);

    EXPECT_EQ(look("SELECT payload FROM commands WHERE state = 'closed'"), "{}");
    EXPECT_EQ(look("SELECT payload FROM commands WHERE state = 'waiting'"), R"({"of": 11})");
}

TEST_F(PrivacyRows, ARequestThatIsAnsweredTwiceHasOneEnd) {
    PrivacyRequestRow request;
    request.merchant = merchant;
    request.store_id = sagas::StoreId{1};
    request.reference = "4";
    const std::string key = orders::incident_of_data_request(request.store_id, request.reference);
    run_as_engine(
        "INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at) VALUES (1, '" + key +
        "', 'cause', 'text', now(), now())");
    const auto answer = [&] {
        session.transact([&](Transaction& transaction) { note_exported(transaction, request, "anna", "test"); });
        return look("SELECT closed_at FROM incidents");
    };

    const std::string end = answer();

    EXPECT_NE(end, "");
    EXPECT_EQ(answer(), end);
}

}  // namespace
}  // namespace ordersaga::db
