#include "orchestrator/credentials/renewal_duty.hpp"

#include "db/credentials.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/crypto.hpp"
#include "runtime/http_client.hpp"
#include "runtime/log.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::credentials {
namespace {

constexpr std::chrono::hours once_a_day{24};
constexpr std::chrono::minutes between_looks{10};  // for scopes that could not be read, or are new

}  // namespace

class RenewalDuty::Worker {
public:
    Worker(Settings settings, runtime::Metrics& metrics)
        : settings_(std::move(settings)),
          session_(settings_.database),
          http_(context_.get_executor()),
          renewed_(metrics.counter("ordersaga_credentials_renewed_total", "Tokens of stores that were renewed", {})),
          failed_(metrics.counter("ordersaga_credentials_failed_total", "Renewals of tokens that failed", {})) {
        thread_ = std::thread([this] { run(); });
    }

    ~Worker() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
        for (const Question& question : questions_)
            question.done("this service is stopping: begin again");
    }

    void ask(Fields query, std::function<void(std::string)> done) {
        {
            const std::lock_guard lock(mutex_);
            questions_.push_back({std::move(query), std::move(done)});
        }
        wake_.notify_all();
    }

private:
    struct Question {
        Fields query;
        std::function<void(std::string)> done;
    };

    void run() {
        // At the start everything is looked at, whoever looked last: the program may be a new one with other needs.
        std::chrono::seconds scopes_older_than{0};
        auto next_look = std::chrono::steady_clock::now();
        bool complained = false;
        while (true) {
            try {
                renew_what_is_due();
                if (std::chrono::steady_clock::now() >= next_look) {
                    check_scopes(scopes_older_than);
                    scopes_older_than = once_a_day;
                    next_look = std::chrono::steady_clock::now() + between_looks;
                }
                complained = false;
            } catch (const std::exception& error) {
                if (!std::exchange(complained, true))
                    runtime::log_warn("tokens cannot be renewed", {{"error", error.what()}});
            }
            answer_questions();
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, settings_.interval, [this] { return stopping_ || !questions_.empty(); });
            if (stopping_) return;
        }
    }

    // All at once, so that a store that does not answer delays no other. Each answer is stored as it comes.
    void renew_what_is_due() {
        while (std::optional<db::Renewal> renewal = claim())
            spawn(renew(std::move(*renewal)));
        run_spawned();
    }

    std::optional<db::Renewal> claim() {
        std::optional<db::Renewal> renewal;
        session_.transact(
            [&](db::Transaction& transaction) { renewal = db::claim_renewal(transaction, settings_.keys); });
        return renewal;
    }

    boost::asio::awaitable<void> renew(db::Renewal renewal) {
        if (!renewal.unopened.empty()) {
            note_failure(renewal, renewal.unopened);
            co_return;
        }
        runtime::crash_point("renewal.claimed");
        runtime::HttpCall call = renewal_call(renewal);
        runtime::HttpOutcome outcome = co_await http_.send(std::move(call));
        runtime::crash_point("renewal.granted");
        const runtime::Result<db::Grant> grant = read_grant(outcome);
        if (!grant) {
            note_failure(renewal, grant.error().message);
            co_return;
        }
        keep(renewal, *grant);
    }

    void note_failure(const db::Renewal& renewal, const std::string& reason) {
        session_.transact([&](db::Transaction& transaction) { db::note_failure(transaction, renewal, reason); });
        failed_.add();
        runtime::log_warn(
            "token not renewed",
            {{"subject", renewal.key.subject}, {"failures", renewal.failures + 1}, {"reason", reason}});
    }

    void answer_questions() {
        std::vector<Question> questions;
        {
            const std::lock_guard lock(mutex_);
            questions.swap(questions_);
        }
        for (Question& question : questions)
            spawn(answer(std::move(question)));
        run_spawned();
    }

    boost::asio::awaitable<void> answer(Question question) {
        std::string fault = "the database cannot be reached: try again from the beginning";
        try {
            fault = co_await authorize(question.query);
        } catch (const std::exception& error) {
            runtime::log_warn("an authorization failed", {{"error", error.what()}});
        }
        question.done(std::move(fault));
    }

    // State, signature and shop must fit before anything is asked of the store.
    boost::asio::awaitable<std::string> authorize(const Fields& query) {
        std::optional<db::Authorization> found;
        session_.transact([&](db::Transaction& transaction) {
            found =
                db::finish_authorization(transaction, settings_.keys, runtime::sha256_hex(field_of(query, "state")));
        });
        if (!found) co_return "nobody began this here, or it took longer than ten minutes: begin again";
        const db::Renewal& renewal = found->renewal;
        std::string fault = renewal.unopened;
        if (fault.empty() && !is_signed_with(renewal.client_secret, query)) fault = "the signature is wrong";
        if (fault.empty() && field_of(query, "shop") != found->shop_domain) fault = "this is another shop";
        const std::string code = field_of(query, "code");
        if (fault.empty() && code.empty()) fault = "the shop sent no code";
        if (fault.empty()) {
            fault = co_await trade(renewal, code);
        }
        if (!fault.empty()) note_failure(renewal, fault);
        co_return fault;
    }

    // A grant that renews itself is the only one that is taken: anything else would end for good within the hour.
    boost::asio::awaitable<std::string> trade(const db::Renewal& renewal, const std::string& code) {
        runtime::HttpCall call = code_call(renewal, code);
        runtime::HttpOutcome outcome = co_await http_.send(std::move(call));
        const runtime::Result<db::Grant> grant = read_grant(outcome);
        if (!grant) co_return grant.error().message;
        if (grant->lifetime && grant->refresh_token.empty())
            co_return "the store gave a token that ends and cannot be renewed";
        if (!keep(renewal, *grant)) co_return "another authorization came first";
        co_return std::string();
    }

    bool keep(const db::Renewal& renewal, const db::Grant& grant) {
        bool kept = false;
        session_.transact([&](db::Transaction& transaction) {
            kept = db::keep_grant(transaction, settings_.keys, renewal, grant);
            if (kept && !grant.scopes.empty())
                db::note_scopes(transaction, renewal.key, grant.scopes, missing_scopes(grant.scopes));
        });
        if (!kept) return false;
        runtime::crash_point("renewal.kept");
        renewed_.add();
        runtime::log_info("token renewed", {{"subject", renewal.key.subject}, {"version", renewal.version + 1}});
        return true;
    }

    void check_scopes(std::chrono::seconds older_than) {
        std::vector<db::CredentialRow> unchecked;
        session_.transact(
            [&](db::Transaction& transaction) { unchecked = db::scopes_to_check(transaction, older_than); });
        for (const db::CredentialRow& row : unchecked) {
            std::optional<std::string> token;
            session_.transact(
                [&](db::Transaction& transaction) { token = db::access_token(transaction, settings_.keys, row.key); });
            if (token) spawn(check(row, scopes_call(row.base_url, row.api_version, *token)));
        }
        run_spawned();
    }

    boost::asio::awaitable<void> check(db::CredentialRow row, runtime::HttpCall call) {
        runtime::HttpOutcome outcome = co_await http_.send(std::move(call));
        const runtime::Result<std::vector<std::string>> granted = read_scopes(outcome);
        if (!granted) {
            // Not known is not the same as missing: what was known stays, and a later look asks again.
            runtime::log_warn(
                "scopes cannot be read", {{"subject", row.key.subject}, {"reason", granted.error().message}});
            co_return;
        }
        session_.transact([&](db::Transaction& transaction) {
            db::note_scopes(transaction, row.key, *granted, missing_scopes(*granted));
        });
    }

    void spawn(boost::asio::awaitable<void> work) {
        ++under_way_;
        boost::asio::co_spawn(context_, std::move(work), [this](const std::exception_ptr& fault) {
            if (--under_way_ == 0) context_.stop();
            if (!fault) return;
            try {
                std::rethrow_exception(fault);
            } catch (const std::exception& error) {
                runtime::log_warn("a token's outcome was not stored", {{"error", error.what()}});
            }
        });
    }

    // Until all that was spawned is done. A connection is not kept for the next time: that is half a token's life away.
    void run_spawned() {
        if (under_way_ == 0) return;
        context_.restart();
        context_.run();
        http_.close_idle();
    }

    const Settings settings_;
    db::Session session_;  // of the thread alone, like the context
    boost::asio::io_context context_;
    runtime::HttpClient http_;
    int under_way_ = 0;
    const runtime::Counter renewed_, failed_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;            // guarded by mutex_
    std::vector<Question> questions_;  // guarded by mutex_
    std::thread thread_;               // last, so that everything above exists when it starts
};

RenewalDuty::RenewalDuty(Settings settings, runtime::Metrics& metrics)
    : worker_(std::make_unique<Worker>(std::move(settings), metrics)) {}

RenewalDuty::~RenewalDuty() = default;

void RenewalDuty::finish_authorization(Fields query, std::function<void(std::string fault)> done) {
    worker_->ask(std::move(query), std::move(done));
}

}  // namespace ordersaga::credentials
