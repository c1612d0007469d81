// Sends signed webhooks at a rate that does not depend on the answers (open loop), or as many as are taken (closed loop).
//
// The stand-in shops take each order shortly before its webhook is due and hand over its body; this signs and delivers it,
// counts from the moment it was due, and delivers again what was refused, as shops do. One thread: the io_context's.
#pragma once

#include "bench/load/buyers.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::bench {

struct Shopfront {
    std::string key;     // in ordersaga
    std::string domain;  // in the sandbox
    std::string secret;  // signs its webhooks
};

struct Route {
    std::string sandbox_url;
    std::vector<std::string> intakes;  // ".../webhooks/shopify" of each orchestrator, taken in turn
    std::vector<Shopfront> shops;
};

// One webhook, delivered until it was taken.
struct Sent {
    std::size_t shop = 0;
    std::string order_id;
    enum class What { order, again, cancel } what = What::order;
    runtime::Instant due;
    double answered_ms = -1;  // of the first try, from `due`; negative: no answer came
    int status = 0;           // of the first try
    int tries = 0;
    bool taken = false;  // answered with 2xx in the end
};

class Generator {
public:
    Generator(boost::asio::io_context& context, Route route, Buyers buyers, std::uint64_t seed);

    // `orders_per_second` orders for `length`, evenly spread; returns when the last one is due. What follows of it (second
    // webhooks, cancels, answers) goes on in the context.
    boost::asio::awaitable<void> keep_rate(double orders_per_second, std::chrono::duration<double> length);
    // `orders` orders as fast as they are taken, with at most `at_once` under way; returns when all were taken. Second webhooks
    // and cancels go on in the context.
    boost::asio::awaitable<void> burst(std::size_t orders, std::size_t at_once);

    Buyers& buyers() { return buyers_; }
    // In the sequence they were made; later ones are appended while it runs.
    [[nodiscard]] const std::vector<Sent>& sent() const { return sent_; }
    [[nodiscard]] std::size_t orders() const { return orders_; }
    // Webhooks, cancels included, that nobody has taken yet.
    [[nodiscard]] std::size_t under_way() const { return under_way_; }
    // Why the sandbox or a delivery could not be used; empty: all well.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] std::size_t refused_by_shops() const { return refused_by_shops_; }
    // By how much an order was made later than it was wished, at most, seconds.
    [[nodiscard]] double latest_s() const { return latest_s_; }
    [[nodiscard]] std::size_t body_bytes() const { return body_bytes_; }

private:
    struct Wish {
        Purchase purchase;
        runtime::Instant due;
    };

    std::string orders_wanted(const std::vector<Wish>& wishes) const;
    std::string cancel_wanted(std::size_t shop, const std::string& order_id) const;
    runtime::HttpCall hand_over(std::string body) const;
    runtime::HttpCall webhook(const Sent& sent, const std::string& id, const std::string& body) const;
    boost::asio::awaitable<void> make(std::vector<Wish> wishes, bool wait);
    boost::asio::awaitable<void> cancel(std::size_t shop, std::string order_id, runtime::Instant due);
    boost::asio::awaitable<void> deliver(std::size_t index, std::string id, std::string body);
    boost::asio::awaitable<void> sleep_until(runtime::Instant instant);
    void start(
        std::size_t shop,
        const std::string& order_id,
        Sent::What what,
        runtime::Instant due,
        std::string id,
        std::string body);

    boost::asio::io_context& context_;
    runtime::SystemClock clock_;
    runtime::HttpClient client_;
    Route route_;
    Buyers buyers_;
    runtime::SeededRandom random_;
    std::map<std::string, std::size_t> shop_of_domain_;
    std::vector<Sent> sent_;
    std::size_t orders_ = 0, under_way_ = 0, orders_under_way_ = 0, turn_ = 0, refused_by_shops_ = 0, body_bytes_ = 0;
    double latest_s_ = 0;
    std::string trouble_;
};

}  // namespace ordersaga::bench
