#include "db/access_tokens.hpp"

#include "db/credentials.hpp"
#include "db/session.hpp"
#include "runtime/log.hpp"
#include "runtime/planted.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::db {

namespace {

using Steady = std::chrono::steady_clock;

// The rest of a token's life is measured by the database, because only that clock wrote its end.
constexpr const char* kRead = R"sql(
    SELECT secret.merchant_id, secret.subject, secret.key_id, secret.sealed, c.version,
           (extract(epoch FROM c.expires_at - clock_timestamp()) * 1000)::bigint
      FROM credential_secrets secret JOIN credentials c USING (merchant_id, subject)
     WHERE secret.kind = 'access_token')sql";

constexpr const char* kNoteRefusal = R"sql(
    UPDATE credentials SET refused_version = $3::bigint
     WHERE merchant_id = $1::bigint AND subject = $2 AND version = $3::bigint
       AND refused_version IS DISTINCT FROM $3::bigint)sql";

struct Known {
    AccessTokens::Token token;
    std::optional<Steady::time_point> end;
};
using All = std::map<std::pair<std::string, std::string>, Known>;

}  // namespace

struct AccessTokens::Impl {
    struct Wish {
        std::optional<Refusal> refused;
        std::function<void()> done;
    };

    explicit Impl(Settings given) : settings(std::move(given)), session({settings.dsn, "ordersaga-worker tokens"}) {
        thread = std::thread([this] { run(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        thread.join();
        for (Wish& wish : wishes)
            wish.done();
    }

    void run() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            std::vector<Wish> now = std::exchange(wishes, {});
            lock.unlock();
            refresh(now);
            for (Wish& wish : now)
                wish.done();
            lock.lock();
            changed.wait_for(lock, settings.interval, [this] { return stopping || !wishes.empty(); });
        }
    }

    void refresh(const std::vector<Wish>& now) {
        try {
            All fresh;
            session.transact([&](Transaction& transaction) {
                for (const Wish& wish : now) {
                    if (wish.refused)
                        transaction.execute(
                            kNoteRefusal, {wish.refused->merchant, wish.refused->subject, wish.refused->version});
                }
                fresh = read(transaction);
            });
            const std::lock_guard lock(mutex);
            all = std::move(fresh);
            failing = false;
        } catch (const std::exception& fault) {
            if (!std::exchange(failing, true))
                runtime::log_warn("access tokens cannot be read", {{"reason", fault.what()}});
        }
    }

    All read(Transaction& transaction) {
        All fresh;
        const auto now = Steady::now();
        const Rows rows = transaction.query(kRead);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const std::string merchant = rows.text(row, 0);
            const std::string subject = rows.text(row, 1);
            runtime::Result<std::string> opened = settings.keys.open(
                {rows.text(row, 2), rows.bytes(row, 3)}, place_of_secret(merchant, subject, "access_token"));
            if (!opened) {
                if (complained.insert(subject + rows.text(row, 4)).second)
                    runtime::log_error(
                        "an access token cannot be opened", {{"subject", subject}, {"reason", opened.error().message}});
                continue;
            }
            Known known{{std::move(*opened), rows.int64(row, 4)}, std::nullopt};
            if (const auto rest = rows.optional_int64(row, 5)) known.end = now + std::chrono::milliseconds(*rest);
            fresh.emplace(std::pair{merchant, subject}, std::move(known));
        }
        return fresh;
    }

    const Settings settings;
    Session session;                   // of the thread alone
    std::set<std::string> complained;  // of the thread alone: one line per token, not one per reading
    bool failing = false;              // of the thread alone
    mutable std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;  // guarded by mutex, like all below
    std::vector<Wish> wishes;
    All all;
    std::thread thread;  // last, so that everything above exists when it starts
};

AccessTokens::AccessTokens(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
AccessTokens::~AccessTokens() = default;

std::optional<AccessTokens::Token> AccessTokens::find(const std::string& merchant, const std::string& subject) const {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->all.find({merchant, subject});
    if (found == impl_->all.end()) return std::nullopt;
    const bool over = found->second.end && *found->second.end <= Steady::now();
    if (over && !runtime::planted("token_used_past_its_end")) return std::nullopt;
    return found->second.token;
}

void AccessTokens::read_again(std::optional<Refusal> refused, std::function<void()> done) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->wishes.push_back({std::move(refused), std::move(done)});
    }
    impl_->changed.notify_all();
}

}  // namespace ordersaga::db
