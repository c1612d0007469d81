#include "db/saga_list.hpp"

#include <utility>

namespace ordersaga::db {

namespace {

constexpr std::string_view store_of_key = "SELECT store_id FROM stores WHERE key = $1";

// Every statement: $1 limit, $2 and $3 cursor, then the filters, a null filter is none; what a question has besides begins at
// $10. They are planned with their values, so a filter that is none costs nothing. What was not changed since a moment was there
// at it: that bounds what is read. OFFSET 0: looked up for each saga, never computed for all.
constexpr std::string_view asked_for = R"sql(
       ($4::text IS NULL OR saga.state = $4)
       AND ($5::bigint IS NULL OR EXISTS (
               SELECT FROM orders
                WHERE orders.merchant_id = saga.merchant_id AND orders.saga_id = saga.saga_id AND orders.store_id = $5 OFFSET 0))
       AND (NOT $6::boolean OR saga.incident IS NOT NULL)
       AND ($7::bigint IS NULL OR (saga.updated_at < now() - $7 * interval '1 microsecond'
                                   AND saga.created_at < now() - $7 * interval '1 microsecond'))
       AND (NOT $8::boolean OR NOT saga.final)
       AND ($9::text IS NULL OR EXISTS (
               SELECT FROM order_words word
                WHERE word.merchant_id = saga.merchant_id AND word.saga_id = saga.saga_id AND word.word = 'sku:' || $9 OFFSET 0))
       AND )sql";

constexpr std::string_view by_age = R"sql(
       ($2::timestamptz IS NULL OR (saga.created_at, saga.saga_id) < ($2, $3::uuid))
     ORDER BY saga.created_at DESC, saga.saga_id DESC LIMIT $1::int)sql";

// The same sequence, as far as milliseconds tell: an id begins with them.
constexpr std::string_view by_word = R"sql(
       ($10::text[] IS NULL OR saga.state = ANY ($10)) AND ($2::timestamptz IS NULL OR word.saga_id < $3::uuid)
     ORDER BY word.saga_id DESC LIMIT $1::int)sql";

constexpr std::string_view of_all = "SELECT saga.saga_id FROM sagas saga WHERE";

constexpr std::string_view of_sku = R"sql(
    SELECT saga.saga_id FROM order_words word JOIN sagas saga USING (merchant_id, saga_id) WHERE word.word = 'sku:' || $9 AND)sql";

constexpr std::string_view of_store = R"sql(
    SELECT saga.saga_id
      FROM sagas saga JOIN orders ON orders.merchant_id = saga.merchant_id AND orders.saga_id = saga.saga_id
     WHERE orders.store_id = $5 AND ($10::text[] IS NULL OR saga.state = ANY ($10)) AND)sql";

// The newest of each state, then the newest of these.
constexpr std::string_view of_open = R"sql(
    SELECT saga.saga_id
      FROM unnest($10::text[]) AS open (state)
     CROSS JOIN LATERAL (SELECT saga.saga_id, saga.created_at FROM sagas saga WHERE saga.state = open.state AND)sql";
constexpr std::string_view of_open_end =
    R"sql() saga ORDER BY saga.created_at DESC, saga.saga_id DESC LIMIT $1::int)sql";

// $10 the text, $11 and $12 the ids that begin with it, $13 and $14 the store's key and the name, as both are shown. What begins
// with a text may be very much: 500, the last by name, are looked at.
constexpr std::string_view of_text = R"sql(
    WITH found AS (
        SELECT merchant_id, saga_id FROM order_words WHERE word = 'name:' || ltrim(lower($10::text), '#')
         UNION
        (SELECT merchant_id, saga_id FROM order_words
          WHERE word >= 'name:' || ltrim(lower($10), '#') AND word < 'name:' || ltrim(lower($10), '#') || chr(1114111)
          ORDER BY word DESC LIMIT 500)
         UNION
        SELECT orders.merchant_id, orders.saga_id
          FROM stores JOIN orders USING (merchant_id, store_id) WHERE orders.order_id = $10 AND orders.saga_id IS NOT NULL
         UNION
        (SELECT merchant_id, saga_id FROM sagas WHERE saga_id BETWEEN $11::uuid AND $12::uuid ORDER BY saga_id DESC LIMIT 500)
         UNION
        SELECT called.merchant_id, called.saga_id
          FROM (SELECT merchant_id, saga_id FROM order_words
                 WHERE word >= 'name:' || ltrim(lower($14::text), '#')
                   AND word < 'name:' || ltrim(lower($14), '#') || chr(1114111)
                 ORDER BY word DESC LIMIT 500) called
          JOIN orders USING (merchant_id, saga_id)
         WHERE orders.store_id = (SELECT store_id FROM stores WHERE key = lower($13::text))
    )
    SELECT saga.saga_id FROM found JOIN sagas saga USING (merchant_id, saga_id) WHERE)sql";

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string statement;
    for (const std::string_view part : parts)
        statement += part;
    return statement;
}

// The first and the last id that begin so; none when no id does.
std::pair<std::optional<std::string>, std::optional<std::string>> ids_from(const std::string& text) {
    std::string first = "00000000-0000-0000-0000-000000000000", last = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    if (text.size() > first.size()) return {};
    for (std::size_t place = 0; place < text.size(); ++place) {
        const std::string_view allowed = first[place] == '-' ? "-" : "0123456789abcdefABCDEF";
        if (allowed.find(text[place]) == std::string_view::npos) return {};
        first[place] = last[place] = text[place];
    }
    return {first, last};
}

std::vector<std::string> first_column(const Rows& rows) {
    std::vector<std::string> texts;
    for (std::size_t row = 0; row < rows.size(); ++row)
        texts.push_back(rows.text(row, 0));
    return texts;
}

std::optional<std::string> given(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return text;
}

}  // namespace

std::vector<std::string> sagas_of_page(Transaction& transaction, const SagaList& list) {
    static const std::string newest = joined({of_all, asked_for, by_age});
    static const std::string newest_of_sku = joined({of_sku, asked_for, by_word});
    static const std::string newest_of_store = joined({of_store, asked_for, by_age});
    static const std::string newest_open = joined({of_open, asked_for, by_age, of_open_end});
    static const std::string newest_of_text = joined({of_text, asked_for, by_age});

    const api::SagaFilter& asked = list.filter;
    std::optional<std::int64_t> store, older_than;
    if (!asked.store.empty()) {
        // Given as a number, so that the planner knows how many orders the store has.
        const Rows known = transaction.query(store_of_key, {asked.store});
        if (known.empty()) return {};
        store = known.int64(0, 0);
    }
    if (asked.older_than) older_than = asked.older_than->count();
    std::vector<Parameter> parameters{list.most,           list.before, list.before_id,  given(asked.state), store,
                                      asked.with_incident, older_than,  asked.only_open, given(asked.sku)};
    const std::string* statement = &newest;
    if (!asked.text.empty()) {
        statement = &newest_of_text;
        const auto [first, last] = ids_from(asked.text);
        const std::size_t space = asked.text.find(' ');
        std::optional<std::string> shop, name;
        if (space != std::string::npos) {
            shop = asked.text.substr(0, space);
            name = asked.text.substr(space + 1);
        }
        for (const Parameter& parameter : std::vector<Parameter>{asked.text, first, last, shop, name})
            parameters.push_back(parameter);
    } else {
        std::optional<std::vector<std::string>> states;
        if (asked.only_open && asked.state.empty()) states = first_column(transaction.query(open_states));
        if (!asked.sku.empty())
            statement = &newest_of_sku;
        else if (store)
            statement = &newest_of_store;
        else if (states)
            statement = &newest_open;
        if (statement != &newest) parameters.emplace_back(states);
    }
    return first_column(transaction.query(*statement, parameters));
}

}  // namespace ordersaga::db
