// One store's Admin GraphQL endpoint.
//
// Purpose: sends one document and reads its answer; knows the address, the version and whose token to use, nothing else.
// Thread: immutable after construction; a call runs on the caller's executor.
// Errors: in the answer's verdict; nothing is thrown for what the store does.
// Repeat: as the document says; this class never repeats a call.
#pragma once

#include "activities/credentials.hpp"
#include "activities/shopify/answers.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include <string>

namespace ordersaga::runtime {
class HttpTransport;
}

namespace ordersaga::activities::shopify {

struct StoreSettings {
    std::string base_url;  // "https://shop.myshopify.com"
    std::string api_version = "2026-07";
    Access access;
};

class StoreClient {
public:
    StoreClient(StoreSettings settings, runtime::HttpTransport& transport);

    boost::asio::awaitable<Answer> ask(const Document& document, nlohmann::json variables, CallScope& scope) const;
    // The exact bytes, as they were stored with their idempotency key.
    boost::asio::awaitable<Answer> send(const Document& document, std::string body, CallScope& scope) const;

private:
    StoreSettings settings_;
    runtime::HttpTransport& transport_;
};

}  // namespace ordersaga::activities::shopify
