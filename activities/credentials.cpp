#include "activities/credentials.hpp"

#include "db/access_tokens.hpp"
#include "runtime/completion.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace ordersaga::activities {

using boost::asio::awaitable;

namespace {

// A command waits no longer than this for the database: its own deadline is a matter of seconds.
constexpr std::chrono::seconds patience{2};

class FixedCredentials final : public Credentials {
public:
    explicit FixedCredentials(std::string token) : token_{std::move(token), 0} {}
    awaitable<Token> current(std::string, std::string) override { co_return token_; }
    awaitable<Token> after_refusal(std::string, std::string, Token) override { co_return Token{}; }

private:
    const Token token_;
};

class KeptCredentials final : public Credentials {
public:
    explicit KeptCredentials(db::AccessTokens& tokens) : tokens_(tokens) {}

    awaitable<Token> current(std::string merchant, std::string subject) override {
        std::optional<db::AccessTokens::Token> known = tokens_.find(merchant, subject);
        if (!known) {
            std::optional<db::AccessTokens::Refusal> none;
            co_await read_again(std::move(none));
            known = tokens_.find(merchant, subject);
        }
        co_return known ? Token{std::move(known->text), known->version} : Token{};
    }

    awaitable<Token> after_refusal(std::string merchant, std::string subject, Token refused) override {
        std::optional<db::AccessTokens::Refusal> refusal;
        refusal = {merchant, subject, refused.version};
        co_await read_again(std::move(refusal));
        std::optional<db::AccessTokens::Token> known = tokens_.find(merchant, subject);
        const bool newer = known && known->version != refused.version;
        co_return newer ? Token{std::move(known->text), known->version} : Token{};
    }

private:
    awaitable<void> read_again(std::optional<db::AccessTokens::Refusal> refusal) {
        const runtime::Completion<bool> read;
        tokens_.read_again(std::move(refusal), [read] { read.complete(true); });
        std::optional<bool> done = co_await read.wait_for(patience);
        static_cast<void>(done);  // too late is the same as none: what is known decides
    }

    db::AccessTokens& tokens_;
};

}  // namespace

std::shared_ptr<Credentials> fixed_credentials(std::string token) {
    return std::make_shared<FixedCredentials>(std::move(token));
}

std::shared_ptr<Credentials> kept_credentials(db::AccessTokens& tokens) {
    return std::make_shared<KeptCredentials>(tokens);
}

}  // namespace ordersaga::activities
