#include "bench/load/generator.hpp"

#include "runtime/crypto.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace ordersaga::bench {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using runtime::Instant;
using std::chrono::milliseconds;

constexpr milliseconds tick{10};
// A shop takes its order that long before the webhook is due, so that the hand-over delays none.
constexpr milliseconds ahead{40};
constexpr milliseconds patience{5'000};  // of shops, for an answer
constexpr milliseconds first_pause{10'000};
constexpr milliseconds longest_pause{320'000};
constexpr std::size_t handed_over_at_once = 32;  // orders

runtime::HttpClientOptions client_options() {
    runtime::HttpClientOptions options;
    options.user_agent = "Shopify-Captain-Hook";
    options.idle_connections_per_origin = 512;
    return options;
}

struct HandedOver {
    json head;
    std::string body;
};

std::vector<HandedOver> read_frames(const std::string& text) {
    std::vector<HandedOver> frames;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        HandedOver frame;
        frame.head = json::parse(text.substr(at, end - at));
        const auto bytes = frame.head.at("bytes").get<std::size_t>();
        frame.body = text.substr(end + 1, bytes);
        at = end + 1 + bytes + 1;
        frames.push_back(std::move(frame));
    }
    return frames;
}

// Shops come back when they are told to, but ever later, as Shopify does, only sooner: it tries eight times in four hours, these
// eight times in a quarter of one. Whoever is refused for longer must not be besieged by those whom it refuses.
milliseconds pause_after(const runtime::HttpOutcome& outcome, int tries, double chance) {
    const std::string* wait = outcome.is_response() ? outcome.header("Retry-After") : nullptr;
    const milliseconds told = std::chrono::seconds(wait == nullptr ? 0 : std::clamp(std::atoi(wait->c_str()), 0, 3600));
    const auto own = std::min<milliseconds>(first_pause * (1 << std::min(tries - 1, 6)), longest_pause);
    return std::max(told, std::chrono::duration_cast<milliseconds>(own * (0.75 + 0.5 * chance)));
}

}  // namespace

Generator::Generator(asio::io_context& context, Route route, Buyers buyers, std::uint64_t seed)
    : context_(context),
      client_(context.get_executor(), client_options()),
      route_(std::move(route)),
      buyers_(std::move(buyers)),
      random_(seed ^ 0x67656e65ULL) {
    for (std::size_t n = 0; n < route_.shops.size(); ++n)
        shop_of_domain_[route_.shops[n].domain] = n;
}

asio::awaitable<void> Generator::sleep_until(Instant instant) {
    const auto length = instant - clock_.now();
    if (length <= length.zero()) co_return;
    asio::steady_timer timer(context_, length);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Generator::keep_rate(double orders_per_second, std::chrono::duration<double> length) {
    const Instant begin = clock_.now() + ahead;
    const auto count = static_cast<std::size_t>(orders_per_second * length.count());
    const auto due_of = [&](std::size_t n) {
        return begin + std::chrono::duration_cast<runtime::Duration>(
                           std::chrono::duration<double>(static_cast<double>(n) / orders_per_second));
    };
    for (std::size_t made = 0; made < count;) {
        // Late ones too, if the machine has let us wait.
        for (const Instant until = clock_.now() + ahead; made < count && due_of(made) <= until;) {
            std::vector<Wish> wishes;
            for (; wishes.size() < handed_over_at_once && made < count && due_of(made) <= until; ++made)
                wishes.push_back({buyers_.next(), due_of(made)});
            asio::co_spawn(context_, make(std::move(wishes), true), asio::detached);
        }
        co_await sleep_until(clock_.now() + tick);
    }
    co_await sleep_until(begin + std::chrono::duration_cast<runtime::Duration>(length));
}

asio::awaitable<void> Generator::burst(std::size_t orders, std::size_t at_once) {
    for (std::size_t made = 0; made < orders && trouble_.empty();) {
        while (orders_under_way_ >= at_once)
            co_await sleep_until(clock_.now() + milliseconds(1));
        const std::size_t many = std::min({handed_over_at_once, at_once - orders_under_way_, orders - made});
        std::vector<Wish> wishes;
        for (const Instant now = clock_.now(); wishes.size() < many; ++made)
            wishes.push_back({buyers_.next(), now});
        co_await make(std::move(wishes), false);
    }
    while (orders_under_way_ > 0)
        co_await sleep_until(clock_.now() + milliseconds(1));
}

// GCC 12 miscompiles lists in braces inside of coroutines, so documents are made outside of them.
std::string Generator::orders_wanted(const std::vector<Wish>& wishes) const {
    json orders = json::array();
    for (const Wish& wish : wishes) {
        json lines = json::array();
        for (const auto& [sku, units] : wish.purchase.lines)
            lines.push_back({sku, units});
        orders.push_back(
            {{"store", route_.shops[wish.purchase.store].domain},
             {"lines", std::move(lines)},
             {"oversell", buyers_.demand().oversell}});
    }
    return json{{"orders", std::move(orders)}}.dump();
}

std::string Generator::cancel_wanted(std::size_t shop, const std::string& order_id) const {
    json cancels = json::array();
    cancels.push_back({{"store", route_.shops[shop].domain}, {"order_id", order_id}});
    return json{{"cancels", std::move(cancels)}}.dump();
}

runtime::HttpCall Generator::hand_over(std::string body) const {
    runtime::HttpCall call;
    call.method = "POST";
    call.url = route_.sandbox_url + "/control/hand_over";
    call.body = std::move(body);
    return call;
}

runtime::HttpCall Generator::webhook(const Sent& sent, const std::string& id, const std::string& body) const {
    const Shopfront& shop = route_.shops[sent.shop];
    runtime::HttpCall call;
    call.method = "POST";
    call.headers = {
        {"Content-Type", "application/json"},
        {"X-Shopify-Topic", sent.what == Sent::What::cancel ? "orders/cancelled" : "orders/create"},
        {"X-Shopify-Hmac-Sha256", runtime::base64_encode(runtime::hmac_sha256(shop.secret, body))},
        {"X-Shopify-Shop-Domain", shop.domain},
        {"X-Shopify-API-Version", "2026-07"},
        {"X-Shopify-Webhook-Id", id},
        {"X-Shopify-Event-Id", id},
        {"X-Shopify-Triggered-At", runtime::format_rfc3339(sent.due)},
    };
    call.body = body;
    call.connect_timeout = milliseconds(1'000);
    call.total_timeout = patience;
    return call;
}

asio::awaitable<void> Generator::make(std::vector<Wish> wishes, bool wait) {
    const runtime::HttpOutcome outcome = co_await client_.send(hand_over(orders_wanted(wishes)));
    if (!outcome.is_response() || outcome.status != 200) {
        trouble_ = "the shops hand nothing over: " + (outcome.is_response() ? outcome.body : outcome.error);
        co_return;
    }
    std::vector<HandedOver> frames = read_frames(outcome.body);
    for (std::size_t n = 0; n < std::min(frames.size(), wishes.size()); ++n) {
        HandedOver& frame = frames[n];
        const Wish& wish = wishes[n];
        if (frame.head.at("status") != 201) {
            ++refused_by_shops_;
            continue;
        }
        ++orders_;
        body_bytes_ = frame.body.size();
        const std::string order_id = frame.head.at("order_id");
        // A shop that is busy itself has made the order later than it was wished: nobody waits for what nobody has ordered.
        const Instant now = clock_.now(), due = wait ? std::max(wish.due, now) : now;
        if (wait) latest_s_ = std::max(latest_s_, std::chrono::duration<double>(due - wish.due).count());
        const Instant later =
            due + std::chrono::duration_cast<runtime::Duration>(std::chrono::duration<double>(wish.purchase.later_s));
        const std::string id = runtime::new_uuid_v4(random_);
        if (wish.purchase.twice) start(wish.purchase.store, order_id, Sent::What::again, later, id, frame.body);
        if (wish.purchase.cancelled)
            asio::co_spawn(context_, cancel(wish.purchase.store, order_id, later), asio::detached);
        start(wish.purchase.store, order_id, Sent::What::order, due, id, std::move(frame.body));
    }
}

asio::awaitable<void> Generator::cancel(std::size_t shop, std::string order_id, Instant due) {
    co_await sleep_until(due - ahead);
    const runtime::HttpOutcome outcome = co_await client_.send(hand_over(cancel_wanted(shop, order_id)));
    if (!outcome.is_response() || outcome.status != 200) {
        trouble_ = "a shop cancels nothing: " + (outcome.is_response() ? outcome.body : outcome.error);
        co_return;
    }
    for (HandedOver& frame : read_frames(outcome.body)) {
        if (frame.head.at("status") == 201)
            start(shop, order_id, Sent::What::cancel, due, runtime::new_uuid_v4(random_), std::move(frame.body));
    }
}

void Generator::start(
    std::size_t shop,
    const std::string& order_id,
    Sent::What what,
    Instant due,
    std::string id,
    std::string body) {
    const std::size_t index = sent_.size();
    sent_.push_back({shop, order_id, what, due, -1, 0, 0, false});
    ++under_way_;
    if (what == Sent::What::order) ++orders_under_way_;
    asio::co_spawn(context_, deliver(index, std::move(id), std::move(body)), asio::detached);
}

asio::awaitable<void> Generator::deliver(std::size_t index, std::string id, std::string body) {
    co_await sleep_until(sent_[index].due);
    const runtime::HttpCall signed_call = webhook(sent_[index], id, body);
    while (!sent_[index].taken) {
        runtime::HttpCall call = signed_call;
        call.url = route_.intakes[turn_++ % route_.intakes.size()];
        const runtime::HttpOutcome outcome = co_await client_.send(std::move(call));
        Sent& sent = sent_[index];
        sent.taken = outcome.is_response() && outcome.status / 100 == 2;
        if (++sent.tries == 1) {
            sent.status = outcome.is_response() ? outcome.status : 0;
            if (outcome.is_response())
                sent.answered_ms = std::chrono::duration<double, std::milli>(clock_.now() - sent.due).count();
        }
        if (!sent.taken) co_await sleep_until(clock_.now() + pause_after(outcome, sent.tries, random_.unit()));
    }
    --under_way_;
    if (sent_[index].what == Sent::What::order) --orders_under_way_;
}

}  // namespace ordersaga::bench
