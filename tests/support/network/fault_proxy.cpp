#include "tests/support/network/fault_proxy.hpp"

#include "runtime/random.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace ordersaga::network {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 1024 * 1024;  // bytes of one direction that are under way
constexpr std::size_t directions = 2;
constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

std::size_t index_of(Direction direction) {
    return direction == Direction::to_server ? 0 : 1;
}

struct Piece {
    std::string bytes;
    Clock::time_point due;
    bool last = false;      // the sender has ended this direction
    bool cut_then = false;  // the link is reset once these bytes are out
};

// What one direction of one link has under way. `changed` wakes whoever waits for any of it.
struct Lane {
    Lane(const asio::any_io_executor& executor, std::unique_ptr<MessageFinder> seeker)
        : changed(executor, Clock::time_point::max()), until_due(executor), finder(std::move(seeker)) {}

    std::deque<Piece> pieces;
    std::size_t waiting = 0;
    Clock::time_point last_due{};
    bool closed = false;     // its end was sent on
    bool swallowed = false;  // bytes were lost
    asio::steady_timer changed, until_due;
    std::unique_ptr<MessageFinder> finder;
};

struct Link {
    Link(tcp::socket from, tcp::socket to, Protocol protocol)
        : client(std::move(from)),
          server(std::move(to)),
          lanes{
              Lane(client.get_executor(), make_finder(protocol, Direction::to_server)),
              Lane(client.get_executor(), make_finder(protocol, Direction::to_client))} {}

    tcp::socket& source(std::size_t lane) { return lane == 0 ? client : server; }
    tcp::socket& target(std::size_t lane) { return lane == 0 ? server : client; }

    void reset() { end(true); }
    // Properly: what the kernel still holds is delivered.
    void close() { end(false); }

    tcp::socket client, server;
    std::array<Lane, directions> lanes;
    bool ended = false;

private:
    void end(bool hard) {
        if (ended) return;
        ended = true;
        error_code ignored;
        for (tcp::socket* socket : {&client, &server}) {
            if (hard) socket->set_option(asio::socket_base::linger(true, 0), ignored);
            socket->close(ignored);
        }
        for (Lane& lane : lanes) {
            lane.changed.cancel();
            lane.until_due.cancel();
        }
    }
};

}  // namespace

// Everything below runs on the one thread.
class FaultProxy::Impl {
public:
    Impl(std::vector<std::uint16_t> ports, const Options& options)
        : ports_(std::move(ports)),
          protocol_(options.protocol),
          random_(options.seed),
          acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), options.port)),
          port_(acceptor_.local_endpoint().port()) {
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }

    ~Impl() {
        on_thread([this] {
            error_code ignored;
            acceptor_.close(ignored);
            for (const auto& link : links_)
                link->reset();
        });
        keep_running_.reset();
        thread_.join();
    }

    template <class Work>
    void on_thread(Work work) {
        std::promise<void> done;
        asio::post(context_, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

    void wake_all() {
        for (const auto& link : links_) {
            for (Lane& lane : link->lanes)
                lane.changed.cancel();
        }
    }

    void heal() {
        travel_ = {};
        refused_ = false;
        after_ = {};
        cut_at_.reset();
        for (const auto& link : links_) {
            bool hurt = false;
            for (const Lane& lane : link->lanes)
                hurt = hurt || lane.swallowed || lane.closed;
            if (hurt) link->reset();
        }
        wake_all();
    }

    void half_close(Direction direction) {
        for (const auto& link : links_) {
            Lane& lane = link->lanes[index_of(direction)];
            lane.pieces.push_back({{}, lane.last_due, true, false});
            lane.changed.cancel();
        }
    }

    void cut() {
        for (const auto& link : links_)
            link->reset();
    }
    std::uint16_t port() const { return port_; }

private:
    asio::io_context context_{1};  // before whatever has sockets in it

public:
    std::array<Travel, directions> travel_;
    std::array<std::optional<std::size_t>, directions> after_;
    std::optional<CutAt> cut_at_;
    bool refused_ = false;
    std::list<std::shared_ptr<Link>> links_;
    std::atomic<std::uint64_t> taken_{0}, open_{0}, cuts_{0};

private:
    asio::awaitable<void> accept() {
        while (acceptor_.is_open()) {
            auto [error, client] = co_await acceptor_.async_accept(no_throw);
            if (error) continue;
            asio::co_spawn(context_, serve(std::move(client)), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket client) {
        tcp::socket server(context_);
        bool connected = false;
        for (std::size_t tried = 0; tried < ports_.size() && !refused_ && !connected; ++tried) {
            const std::uint16_t port = ports_[next_++ % ports_.size()];
            server = tcp::socket(context_);
            const auto [error] = co_await server.async_connect({asio::ip::address_v4::loopback(), port}, no_throw);
            connected = !error;
        }
        error_code ignored;
        if (!connected || !acceptor_.is_open()) {
            client.set_option(asio::socket_base::linger(true, 0), ignored);
            co_return;
        }
        for (tcp::socket* socket : {&client, &server}) {
            socket->set_option(tcp::no_delay(true), ignored);
            // What was said to be readable may have been read meanwhile: nobody must wait for it in a call.
            socket->non_blocking(true, ignored);
        }
        ++taken_;
        ++open_;
        const auto link = std::make_shared<Link>(std::move(client), std::move(server), protocol_);
        links_.push_back(link);
        for (std::size_t lane = 0; lane < directions; ++lane) {
            asio::co_spawn(context_, take(link, lane), asio::detached);
            asio::co_spawn(context_, pass(link, lane), asio::detached);
        }
    }

    // Reads one direction as long as there is room for what it says.
    asio::awaitable<void> take(std::shared_ptr<Link> link, std::size_t index) {
        Lane& lane = link->lanes[index];
        std::array<char, 16384> buffer;
        while (!link->ended) {
            if (travel_[index].held || lane.waiting > most_waiting) {
                co_await lane.changed.async_wait(no_throw);
                continue;
            }
            // Waiting and reading are two steps, so that what is held is left to the kernel's buffers.
            const auto [broken] = co_await link->source(index).async_wait(tcp::socket::wait_read, no_throw);
            if (link->ended) break;
            if (travel_[index].held) continue;
            error_code error = broken;
            std::size_t size = 0;
            if (!error) size = link->source(index).read_some(asio::buffer(buffer), error);
            if (error == asio::error::would_block) continue;
            if (error && error != asio::error::eof) {
                link->reset();
            } else if (error) {
                lane.pieces.push_back({{}, std::max(lane.last_due, Clock::now()), true, false});
                lane.changed.cancel();
                break;
            } else {
                put(*link, index, {buffer.data(), size});
            }
        }
    }

    void put(Link& link, std::size_t index, std::string_view bytes) {
        Lane& lane = link.lanes[index];
        const Travel& travel = travel_[index];
        const std::optional<std::size_t> cut = cut_in(lane, index, bytes);
        if (travel.swallowed) {
            lane.swallowed = true;
            return;
        }
        bytes = bytes.substr(0, cut.value_or(bytes.size()));
        auto way = std::chrono::duration_cast<Clock::duration>(travel.delay);
        if (travel.jitter.count() > 0)
            way += std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(travel.jitter.count()) + 1));
        Clock::time_point due = std::max(Clock::now() + way, lane.last_due);
        if (travel.bytes_per_second > 0)
            due += std::chrono::microseconds(bytes.size() * 1'000'000 / travel.bytes_per_second);
        lane.last_due = due;
        lane.waiting += bytes.size();
        lane.pieces.push_back({std::string(bytes), due, false, cut.has_value()});
        lane.changed.cancel();
    }

    // How many of these bytes still arrive when the link is to be cut among them.
    std::optional<std::size_t> cut_in(Lane& lane, std::size_t index, std::string_view bytes) {
        std::optional<std::size_t> cut;
        for (const FoundMessage& message : lane.finder->feed(bytes)) {
            if (!cut_at_ || index_of(cut_at_->direction) != index || message.name != cut_at_->message) continue;
            cut = cut_at_->passes_first ? message.end : message.begin;
            cut_at_.reset();
        }
        if (std::optional<std::size_t>& left = after_[index]; left) {
            if (*left <= bytes.size() && (!cut || *left < *cut)) cut = *left;
            if (*left <= bytes.size()) {
                left.reset();
            } else {
                *left -= bytes.size();
            }
        }
        if (cut) ++cuts_;
        return cut;
    }

    // Sends on what is due, in slices.
    asio::awaitable<void> pass(std::shared_ptr<Link> link, std::size_t index) {
        Lane& lane = link->lanes[index];
        while (!link->ended) {
            if (lane.pieces.empty() || lane.closed) {
                co_await lane.changed.async_wait(no_throw);
                continue;
            }
            const Clock::time_point due = lane.pieces.front().due;
            if (due > Clock::now()) {
                lane.until_due.expires_at(due);
                co_await lane.until_due.async_wait(no_throw);
                continue;
            }
            Piece piece = std::move(lane.pieces.front());
            lane.pieces.pop_front();
            const bool sent = co_await send(*link, index, piece.bytes);
            lane.waiting -= piece.bytes.size();
            lane.changed.cancel();
            if (!sent || piece.cut_then) {
                link->reset();
            } else if (piece.last) {
                error_code ignored;
                link->target(index).shutdown(tcp::socket::shutdown_send, ignored);
                lane.closed = true;
                if (link->lanes[1 - index].closed) link->close();
            }
        }
        if (std::erase(links_, link) > 0) --open_;
    }

    asio::awaitable<bool> send(Link& link, std::size_t index, std::string_view bytes) {
        while (!bytes.empty() && !link.ended) {
            const std::size_t slice = travel_[index].slice == 0 ? bytes.size() : travel_[index].slice;
            const std::string_view part = bytes.substr(0, slice);
            const auto [error, written] = co_await asio::async_write(link.target(index), asio::buffer(part), no_throw);
            if (error) co_return false;
            bytes.remove_prefix(part.size());
        }
        co_return true;
    }

    std::vector<std::uint16_t> ports_;
    std::size_t next_ = 0;
    Protocol protocol_;
    runtime::SeededRandom random_;
    asio::executor_work_guard<asio::io_context::executor_type> keep_running_ = asio::make_work_guard(context_);
    tcp::acceptor acceptor_;
    const std::uint16_t port_;
    std::thread thread_;
};

FaultProxy::FaultProxy(std::vector<std::uint16_t> ports, Options options)
    : impl_(std::make_unique<Impl>(std::move(ports), options)) {}
FaultProxy::FaultProxy(std::uint16_t port) : FaultProxy({port}, Options{}) {}
FaultProxy::~FaultProxy() = default;

std::uint16_t FaultProxy::port() const {
    return impl_->port();
}

void FaultProxy::set(Direction direction, const Travel& travel) {
    impl_->on_thread([&] {
        impl_->travel_[index_of(direction)] = travel;
        impl_->wake_all();
    });
}

void FaultProxy::heal() {
    impl_->on_thread([&] { impl_->heal(); });
}

void FaultProxy::refuse(bool refused) {
    impl_->on_thread([&] { impl_->refused_ = refused; });
}

void FaultProxy::cut() {
    impl_->on_thread([&] { impl_->cut(); });
}

void FaultProxy::half_close(Direction direction) {
    impl_->on_thread([&] { impl_->half_close(direction); });
}

void FaultProxy::cut_after(Direction direction, std::size_t bytes) {
    impl_->on_thread([&] { impl_->after_[index_of(direction)] = bytes; });
}

void FaultProxy::cut_at(const CutAt& where) {
    impl_->on_thread([&] { impl_->cut_at_ = where; });
}

std::uint64_t FaultProxy::links() const {
    return impl_->taken_;
}
std::uint64_t FaultProxy::open_links() const {
    return impl_->open_;
}
std::uint64_t FaultProxy::cuts() const {
    return impl_->cuts_;
}

}  // namespace ordersaga::network
