#include "db/kept_lists.hpp"

#include "db/row_reader.hpp"

#include <algorithm>
#include <string_view>

namespace ordersaga::db {

using engine::SagaRow;
using orders::OrderRow;

namespace {

// An order that has just got its saga has no words yet: nothing to look up first.
constexpr const char* kAddFirst = R"sql(
    INSERT INTO order_words (merchant_id, word, saga_id)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[]))sql";

constexpr const char* kAdd = R"sql(
    INSERT INTO order_words (merchant_id, word, saga_id)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING)sql";

constexpr const char* kTakeAway = R"sql(
    DELETE FROM order_words
     WHERE (merchant_id, word, saga_id) IN (SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[])))sql";

constexpr const char* kCount = R"sql(
    INSERT INTO ended_sagas (merchant_id, state, sagas)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]))sql";

// What another one adds up meanwhile is left to it.
constexpr const char* kAddUp = R"sql(
    WITH taken AS (
        DELETE FROM ended_sagas WHERE ctid = ANY (ARRAY(
            SELECT ended.ctid
              FROM (SELECT merchant_id, state FROM ended_sagas GROUP BY merchant_id, state HAVING count(*) > 1) several
              JOIN ended_sagas ended USING (merchant_id, state)
               FOR UPDATE OF ended SKIP LOCKED))
        RETURNING merchant_id, state, sagas)
    INSERT INTO ended_sagas (merchant_id, state, sagas)
    SELECT merchant_id, state, sum(sagas) FROM taken GROUP BY merchant_id, state HAVING sum(sagas) <> 0)sql";

constexpr std::size_t longest = 200;  // characters

std::string beginning_of(const std::string& text) {
    std::size_t characters = 0, end = 0;
    for (; end < text.size(); ++end) {
        const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
        if (begins && ++characters > longest) break;
    }
    return text.substr(0, end);
}

// One word of a saga, in the sequence of the key.
struct Word {
    sagas::MerchantId merchant;
    std::string word;
    sagas::SagaId saga_id;
    friend auto operator<=>(const Word&, const Word&) = default;
};

void run(Transaction& transaction, const char* statement, std::vector<Word>& words) {
    if (words.empty()) return;
    std::sort(words.begin(), words.end());
    transaction.execute_later(
        statement, list_of(column(words, &Word::merchant), column(words, &Word::word), column(words, &Word::saga_id)));
}

}  // namespace

std::set<std::string> words_of(const OrderRow& order) {
    if (order.saga_id.empty()) return {};
    std::set<std::string> words;
    std::string called = order.name;
    std::transform(called.begin(), called.end(), called.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    called.erase(0, called.find_first_not_of('#'));
    const std::size_t number = called.find_first_of("0123456789");
    if (!called.empty()) words.insert("name:" + beginning_of(called));
    if (number != std::string::npos) words.insert("name:" + beginning_of(called.substr(number)));
    if (order.has_document) {
        for (const sagas::OrderLine& line : order.document.lines)
            words.insert("sku:" + beginning_of(line.sku));
    }
    return words;
}

std::string KeptLists::keep(Transaction& transaction, const std::vector<OrderRow>& orders) {
    const bool all_known =
        std::all_of(orders.begin(), orders.end(), [&](const OrderRow& order) { return found_by_.contains(order.key); });
    if (!all_known) return "no";
    std::vector<Word> first, added, gone;
    for (const OrderRow& order : orders) {
        FoundBy& before = found_by_.at(order.key);
        FoundBy now{order.saga_id, words_of(order)};
        const bool same_saga = before.saga_id == now.saga_id;
        for (const std::string& word : now.words) {
            if (!same_saga || !before.words.contains(word))
                (same_saga ? added : first).push_back({order.key.merchant, word, now.saga_id});
        }
        for (const std::string& word : before.words) {
            if (!same_saga || !now.words.contains(word)) gone.push_back({order.key.merchant, word, before.saga_id});
        }
        before = std::move(now);
    }
    run(transaction, kTakeAway, gone);
    run(transaction, kAddFirst, first);
    run(transaction, kAdd, added);
    return "yes";
}

std::string KeptLists::keep(Transaction& transaction, const std::vector<SagaRow>& new_sagas) {
    Counts counts;
    for (const SagaRow& saga : new_sagas) {
        if (saga.final) counts[{saga.key.merchant, saga.state}] += 1;
        read(saga);
    }
    count(transaction, counts);
    return "yes";
}

std::string KeptLists::keep_changed(Transaction& transaction, const std::vector<SagaRow>& sagas) {
    const bool all_known =
        std::all_of(sagas.begin(), sagas.end(), [&](const SagaRow& saga) { return ended_.contains(saga.key); });
    if (!all_known) return "no";
    Counts counts;
    for (const SagaRow& saga : sagas) {
        const std::string& before = ended_.at(saga.key);
        if (!before.empty()) counts[{saga.key.merchant, before}] -= 1;
        if (saga.final) counts[{saga.key.merchant, saga.state}] += 1;
        read(saga);
    }
    count(transaction, counts);
    return "yes";
}

void KeptLists::count(Transaction& transaction, const Counts& counts) {
    struct Difference {
        sagas::MerchantId merchant;
        std::string state;
        std::int64_t sagas = 0;
    };
    std::vector<Difference> differences;
    for (const auto& [of, difference] : counts) {
        if (difference != 0) differences.push_back({of.first, of.second, difference});
    }
    if (differences.empty()) return;
    transaction.execute_later(
        kCount, list_of(
                    column(differences, &Difference::merchant), column(differences, &Difference::state),
                    column(differences, &Difference::sagas)));
}

void add_up_ended(Session& session) {
    session.transact([](Transaction& transaction) { transaction.execute(kAddUp); });
}

}  // namespace ordersaga::db
