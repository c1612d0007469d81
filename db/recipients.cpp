#include "db/recipients.hpp"

#include "db/session.hpp"
#include "db/store_keys.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::db {

namespace {

constexpr const char* kRead = R"sql(
    SELECT person.merchant_id, person.saga_id, person.store_id, key.key_id, key.sealed, person.data_key_id, person.sealed
      FROM personal_data person JOIN store_keys key USING (merchant_id, store_id, data_key_id)
     WHERE (person.merchant_id, person.saga_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])))sql";

using Answer = Recipients::Answer;
using Answers = std::map<std::pair<std::string, std::string>, Answer>;

struct Wish {
    std::string merchant, saga_id;
    std::function<void(Answer)> done;
};

Answer opened(const runtime::KeyRing& ring, const Rows& rows, std::size_t row) {
    const std::int64_t merchant = rows.int64(row, 0);
    const runtime::Result<runtime::KeyRing> key =
        opened_store_key(ring, merchant, rows.int64(row, 2), {rows.text(row, 3), rows.bytes(row, 4)});
    if (!key) return {Answer::Kind::unopened, key.error().message};
    runtime::Result<std::string> text =
        key->open({rows.text(row, 5), rows.bytes(row, 6)}, place_of_person(merchant, rows.text(row, 1)));
    if (!text) return {Answer::Kind::unopened, text.error().message};
    return {Answer::Kind::known, std::move(*text)};
}

}  // namespace

struct Recipients::Impl {
    explicit Impl(Settings given)
        : settings(std::move(given)), session({settings.dsn, "ordersaga-worker recipients", true}) {
        thread = std::thread([this] { run(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        thread.join();
        answer(wishes, {}, {Answer::Kind::unavailable, "the worker ends"});
    }

    void run() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            changed.wait(lock, [this] { return stopping || !wishes.empty(); });
            std::vector<Wish> now = std::exchange(wishes, {});
            lock.unlock();
            serve(now);
            lock.lock();
        }
    }

    void serve(std::vector<Wish>& now) {
        Answers answers;
        Answer other{Answer::Kind::erased, "nothing is kept of whom this order goes to"};
        try {
            answers = read(now);
        } catch (const std::exception& fault) {
            other = {Answer::Kind::unavailable, fault.what()};
        }
        answer(now, answers, other);
    }

    static void answer(std::vector<Wish>& wishes, const Answers& answers, const Answer& other) {
        for (Wish& wish : wishes) {
            const auto found = answers.find({wish.merchant, wish.saga_id});
            wish.done(found == answers.end() ? other : found->second);
        }
    }

    Answers read(const std::vector<Wish>& now) {
        if (now.empty()) return {};
        Answers answers;
        session.read([&](Transaction& transaction) {
            answers.clear();
            const Rows rows = transaction.query(kRead, {column(now, &Wish::merchant), column(now, &Wish::saga_id)});
            for (std::size_t row = 0; row < rows.size(); ++row)
                answers[{rows.text(row, 0), rows.text(row, 1)}] = opened(settings.keys, rows, row);
        });
        return answers;
    }

    const Settings settings;
    Session session;  // of the thread alone
    std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;  // guarded by mutex, like the wishes
    std::vector<Wish> wishes;
    std::thread thread;  // last, so that everything above exists when it starts
};

Recipients::Recipients(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Recipients::~Recipients() = default;

void Recipients::find(const std::string& merchant, const std::string& saga_id, std::function<void(Answer)> done) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->wishes.push_back({merchant, saga_id, std::move(done)});
    }
    impl_->changed.notify_all();
}

}  // namespace ordersaga::db
