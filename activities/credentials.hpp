// The tokens with which stores and warehouses are called, as they are at this moment.
//
// Purpose: a token may be replaced while commands are in work. The adapters ask for it before each call, and once more when
// it was refused; they never keep one.
// Thread: coroutines on the caller's executor.
// Errors: an empty token, when there is none.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace ordersaga::db {
class AccessTokens;
}

namespace ordersaga::activities {

class Credentials {
public:
    struct Token {
        std::string text;
        std::int64_t version = 0;
    };

    virtual ~Credentials() = default;
    // `subject`: "store:eu", "warehouse:main", of this merchant.
    virtual boost::asio::awaitable<Token> current(std::string merchant, std::string subject) = 0;
    // The peer answered 401 to `refused`: a newer token, if there is one.
    virtual boost::asio::awaitable<Token> after_refusal(std::string merchant, std::string subject, Token refused) = 0;
};

// From the worker's own settings; the same for ever.
std::shared_ptr<Credentials> fixed_credentials(std::string token);

// From the database, where they are renewed; a refusal is told there. `tokens` must outlive the result.
std::shared_ptr<Credentials> kept_credentials(db::AccessTokens& tokens);

// Whose token a client calls with.
struct Access {
    std::shared_ptr<Credentials> credentials;
    std::string subject;
};

}  // namespace ordersaga::activities
