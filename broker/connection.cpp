#include "broker/connection.hpp"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <utility>

namespace ordersaga::broker {
namespace {

using runtime::Error;
using runtime::ErrorKind;
using runtime::Result;

constexpr int frame_max = 131'072;

amqp_bytes_t bytes_of(std::string_view text) {
    return amqp_bytes_t{text.size(), const_cast<char*>(text.data())};
}

std::string text_of(amqp_bytes_t bytes) {
    return std::string(static_cast<const char*>(bytes.bytes), bytes.len);
}

// Texts of the broker go into logs and errors: one line, bounded.
std::string shown(amqp_bytes_t bytes) {
    std::string text = text_of(bytes).substr(0, 500);
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return text;
}

timeval time_of(std::chrono::milliseconds duration) {
    timeval value{};
    value.tv_sec = static_cast<time_t>(duration.count() / 1000);
    value.tv_usec = static_cast<suseconds_t>((duration.count() % 1000) * 1000);
    return value;
}

amqp_table_entry_t entry_of(const char* key, amqp_field_value_t value) {
    return amqp_table_entry_t{amqp_cstring_bytes(key), value};
}

amqp_field_value_t field_of(bool value) {
    amqp_field_value_t field{};
    field.kind = AMQP_FIELD_KIND_BOOLEAN;
    field.value.boolean = value ? 1 : 0;
    return field;
}

amqp_field_value_t field_of(std::int64_t value) {
    amqp_field_value_t field{};
    field.kind = AMQP_FIELD_KIND_I64;
    field.value.i64 = value;
    return field;
}

amqp_field_value_t field_of(std::string_view value) {
    amqp_field_value_t field{};
    field.kind = AMQP_FIELD_KIND_UTF8;
    field.value.bytes = bytes_of(value);
    return field;
}

amqp_field_value_t field_of(amqp_table_t table) {
    amqp_field_value_t field{};
    field.kind = AMQP_FIELD_KIND_TABLE;
    field.value.table = table;
    return field;
}

std::string closed_reason(int code, amqp_bytes_t text) {
    return std::to_string(code) + " " + shown(text);
}

ErrorKind kind_of_code(int code) {
    switch (code) {
        case 403: return ErrorKind::refused;
        case 404: return ErrorKind::not_found;
        case 406: return ErrorKind::conflict;
        case 530: return ErrorKind::not_found;
        default: return ErrorKind::unavailable;
    }
}

// What is being received on one channel: a method, then a header, then body pieces.
struct Partial {
    enum class Kind { none, delivery, returned };
    Kind kind = Kind::none;
    DeliveryArrived delivery;
    ReturnArrived returned;
    std::uint64_t body_size = 0;
    std::uint64_t body_seen = 0;
    bool has_header = false;
};

}  // namespace

class Connection::Impl {
public:
    Impl(const Address& address, const ConnectionOptions& options) : address_(address), options_(options) {}

    ~Impl() {
        if (const int socket = interrupt_socket_.load(); socket >= 0) ::close(socket);
        if (state_ != nullptr) amqp_destroy_connection(state_);
    }

    Result<void> connect();
    Result<ReadResult> read(std::vector<Arrival>& arrivals, std::size_t limit);
    Result<void> answer(ChannelNumber channel, std::string_view doing);
    Result<void> sent(int status, std::string_view doing);
    Result<void> publish(ChannelNumber channel, const Message& message);
    Result<void> consume(ChannelNumber channel, const std::string& queue);
    Result<void> declare_queue(ChannelNumber channel, const Queue& queue);
    void close();
    void forget(ChannelNumber channel) { partials_.erase(channel); }

    amqp_connection_state_t state_ = nullptr;
    bool alive_ = false;
    std::atomic<int> interrupt_socket_{-1};
    std::atomic<bool> interrupted_{false};
    Address address_;
    ConnectionOptions options_;

private:
    Result<amqp_socket_t*> make_socket();
    Result<void> prepare_tls(amqp_socket_t* socket);
    Result<void> log_in();
    void tune_socket();
    Error lost(std::string reason) {
        alive_ = false;
        return Error{ErrorKind::unavailable, std::move(reason)};
    }
    Result<void> take_frame(const amqp_frame_t& frame, std::vector<Arrival>& arrivals);
    Result<void> take_method(const amqp_frame_t& frame, std::vector<Arrival>& arrivals);
    Result<void> take_header(const amqp_frame_t& frame);
    Result<void> take_body(const amqp_frame_t& frame);
    void finish_if_complete(ChannelNumber channel, std::vector<Arrival>& arrivals);

    std::map<ChannelNumber, Partial> partials_;
};

Result<amqp_socket_t*> Connection::Impl::make_socket() {
    amqp_socket_t* socket = nullptr;
    if (!address_.tls) {
        socket = amqp_tcp_socket_new(state_);
    } else {
        socket = amqp_ssl_socket_new(state_);
        if (socket != nullptr) {
            if (auto prepared = prepare_tls(socket); !prepared) return prepared.error();
        }
    }
    if (socket == nullptr) return Error{ErrorKind::broken, "broker: no memory for a socket"};
    return socket;
}

Result<void> Connection::Impl::prepare_tls(amqp_socket_t* socket) {
    const auto& options = address_.options;
    if (amqp_ssl_socket_set_cacert(socket, options.ca_file.c_str()) != AMQP_STATUS_OK) {
        return Error{ErrorKind::invalid, "broker: cannot read the certificate authorities in " + options.ca_file};
    }
    if (!options.certificate_file.empty() &&
        amqp_ssl_socket_set_key(socket, options.certificate_file.c_str(), options.key_file.c_str()) != AMQP_STATUS_OK) {
        return Error{ErrorKind::invalid, "broker: cannot use the client certificate " + options.certificate_file};
    }
    amqp_ssl_socket_set_verify_peer(socket, 1);
    // OpenSSL itself checks the name during the handshake: the library's own check knows no addresses and had a
    // wildcard fault before 0.14.
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* verify = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(verify, address_.host.c_str()) == 1;
    if (!is_address && X509_VERIFY_PARAM_set1_host(verify, address_.host.c_str(), 0) != 1) {
        return Error{ErrorKind::invalid, "broker: host name cannot be checked: " + address_.host};
    }
    return {};
}

// Without a limit a write stalled by the broker's flow control would block the thread as long as heartbeats come in.
void Connection::Impl::tune_socket() {
    const int socket = amqp_get_sockfd(state_);
    if (socket < 0) return;
    const auto milliseconds = static_cast<unsigned int>(options_.write_timeout.count());
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    interrupt_socket_ = ::dup(socket);
}

Result<void> Connection::Impl::connect() {
    state_ = amqp_new_connection();
    if (state_ == nullptr) return Error{ErrorKind::broken, "broker: no memory for a connection"};
    auto socket = make_socket();
    if (!socket) return socket.error();
    const timeval connect_timeout = time_of(options_.connect_timeout);
    amqp_set_handshake_timeout(state_, &connect_timeout);
    const timeval rpc_timeout = time_of(options_.answer_timeout);
    amqp_set_rpc_timeout(state_, &rpc_timeout);

    const int opened = amqp_socket_open_noblock(*socket, address_.host.c_str(), address_.port, &connect_timeout);
    if (opened != AMQP_STATUS_OK) {
        return Error{
            ErrorKind::unavailable, "broker " + address_.shown() + ": cannot connect: " + amqp_error_string2(opened)};
    }
    tune_socket();
    if (interrupted_) return Error{ErrorKind::unavailable, "broker: stopped while connecting"};
    return log_in();
}

Result<void> Connection::Impl::log_in() {
    // The broker tells about blocked publishing and cancelled consumers only to clients that say they understand it.
    std::array<amqp_table_entry_t, 5> capabilities = {
        entry_of("authentication_failure_close", field_of(true)),
        entry_of("publisher_confirms", field_of(true)),
        entry_of("basic.nack", field_of(true)),
        entry_of("connection.blocked", field_of(true)),
        entry_of("consumer_cancel_notify", field_of(true)),
    };
    const amqp_table_t capability_table{static_cast<int>(capabilities.size()), capabilities.data()};
    std::array<amqp_table_entry_t, 2> properties = {
        entry_of("connection_name", field_of(std::string_view(options_.name))),
        entry_of("capabilities", field_of(capability_table)),
    };
    const amqp_table_t property_table{static_cast<int>(properties.size()), properties.data()};

    const auto reply = amqp_login_with_properties(
        state_, address_.vhost.c_str(), 2047, frame_max, static_cast<int>(options_.heartbeat.count()), &property_table,
        AMQP_SASL_METHOD_PLAIN, address_.user.c_str(), address_.password.c_str());
    alive_ = reply.reply_type == AMQP_RESPONSE_NORMAL;
    if (alive_) return {};
    std::string reason = "the link broke during log-in";
    ErrorKind kind = ErrorKind::unavailable;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* closed = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
        reason = closed_reason(closed->reply_code, closed->reply_text);
        kind = kind_of_code(closed->reply_code);
    } else if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
        reason = amqp_error_string2(reply.library_error);
    }
    return Error{kind, "broker " + address_.shown() + ": log-in failed: " + reason};
}

// The verdict on the last call that waited for an answer.
Result<void> Connection::Impl::answer(ChannelNumber channel, std::string_view doing) {
    const auto reply = amqp_get_rpc_reply(state_);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
        amqp_maybe_release_buffers_on_channel(state_, channel);
        return {};
    }
    const std::string what = "broker: " + std::string(doing) + ": ";
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const auto* closed = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
        Error error{kind_of_code(closed->reply_code), what + closed_reason(closed->reply_code, closed->reply_text)};
        amqp_channel_close_ok_t ok{};
        partials_.erase(channel);
        if (amqp_send_method(state_, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok) != AMQP_STATUS_OK) alive_ = false;
        return error;
    }
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* closed = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
        alive_ = false;
        return Error{kind_of_code(closed->reply_code), what + closed_reason(closed->reply_code, closed->reply_text)};
    }
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
        return lost(what + amqp_error_string2(reply.library_error));
    }
    return lost(what + "unexpected answer");
}

Result<void> Connection::Impl::sent(int status, std::string_view doing) {
    if (status == AMQP_STATUS_OK) return {};
    return lost("broker: " + std::string(doing) + ": " + amqp_error_string2(status));
}

Result<Connection::ReadResult> Connection::Impl::read(std::vector<Arrival>& arrivals, std::size_t limit) {
    const timeval now{0, 0};
    while (arrivals.size() < limit) {
        amqp_frame_t frame;
        timeval patience = now;
        const int status = amqp_simple_wait_frame_noblock(state_, &frame, &patience);
        if (status == AMQP_STATUS_TIMEOUT) return ReadResult{true};
        if (status != AMQP_STATUS_OK) return lost(std::string("broker: ") + amqp_error_string2(status));
        if (auto taken = take_frame(frame, arrivals); !taken) return taken.error();
        amqp_maybe_release_buffers_on_channel(state_, frame.channel);
    }
    return ReadResult{false};
}

Result<void> Connection::Impl::take_frame(const amqp_frame_t& frame, std::vector<Arrival>& arrivals) {
    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD: return take_method(frame, arrivals);
        case AMQP_FRAME_HEADER:
            if (auto taken = take_header(frame); !taken) return taken.error();
            finish_if_complete(frame.channel, arrivals);
            return {};
        case AMQP_FRAME_BODY:
            if (auto taken = take_body(frame); !taken) return taken.error();
            finish_if_complete(frame.channel, arrivals);
            return {};
        default: return {};
    }
}

Result<void> Connection::Impl::take_method(const amqp_frame_t& frame, std::vector<Arrival>& arrivals) {
    void* decoded = frame.payload.method.decoded;
    switch (frame.payload.method.id) {
        case AMQP_BASIC_ACK_METHOD: {
            const auto* ack = static_cast<const amqp_basic_ack_t*>(decoded);
            arrivals.emplace_back(ConfirmArrived{ack->delivery_tag, ack->multiple != 0, true});
            return {};
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto* nack = static_cast<const amqp_basic_nack_t*>(decoded);
            arrivals.emplace_back(ConfirmArrived{nack->delivery_tag, nack->multiple != 0, false});
            return {};
        }
        case AMQP_BASIC_RETURN_METHOD: {
            const auto* returned = static_cast<const amqp_basic_return_t*>(decoded);
            Partial partial;
            partial.kind = Partial::Kind::returned;
            partial.returned.reason = closed_reason(returned->reply_code, returned->reply_text) + " for key " +
                                      shown(returned->routing_key) + " at " + shown(returned->exchange);
            partials_[frame.channel] = std::move(partial);
            return {};
        }
        case AMQP_BASIC_DELIVER_METHOD: {
            const auto* deliver = static_cast<const amqp_basic_deliver_t*>(decoded);
            Partial partial;
            partial.kind = Partial::Kind::delivery;
            partial.delivery.channel = frame.channel;
            auto& delivery = partial.delivery.delivery;
            delivery.handle.sequence = deliver->delivery_tag;
            delivery.exchange = text_of(deliver->exchange);
            delivery.routing_key = text_of(deliver->routing_key);
            delivery.redelivered = deliver->redelivered != 0;
            partials_[frame.channel] = std::move(partial);
            return {};
        }
        case AMQP_BASIC_CANCEL_METHOD: arrivals.emplace_back(ConsumerCancelled{frame.channel}); return {};
        case AMQP_CHANNEL_CLOSE_METHOD: {
            const auto* closed = static_cast<const amqp_channel_close_t*>(decoded);
            arrivals.emplace_back(ChannelClosed{frame.channel, closed_reason(closed->reply_code, closed->reply_text)});
            partials_.erase(frame.channel);
            amqp_channel_close_ok_t ok{};
            return sent(
                amqp_send_method(state_, frame.channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok), "closing a channel");
        }
        case AMQP_CONNECTION_CLOSE_METHOD: {
            const auto* closed = static_cast<const amqp_connection_close_t*>(decoded);
            const std::string reason = closed_reason(closed->reply_code, closed->reply_text);
            amqp_connection_close_ok_t ok{};
            amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
            return lost("broker: connection closed by the broker: " + reason);
        }
        case AMQP_CONNECTION_BLOCKED_METHOD: {
            const auto* blocked = static_cast<const amqp_connection_blocked_t*>(decoded);
            arrivals.emplace_back(PublishingBlocked{shown(blocked->reason)});
            return {};
        }
        case AMQP_CONNECTION_UNBLOCKED_METHOD: arrivals.emplace_back(PublishingUnblocked{}); return {};
        default: return {};
    }
}

namespace {

std::int64_t integer_of(const amqp_field_value_t& value) {
    switch (value.kind) {
        case AMQP_FIELD_KIND_I8: return value.value.i8;
        case AMQP_FIELD_KIND_U8: return value.value.u8;
        case AMQP_FIELD_KIND_I16: return value.value.i16;
        case AMQP_FIELD_KIND_U16: return value.value.u16;
        case AMQP_FIELD_KIND_I32: return value.value.i32;
        case AMQP_FIELD_KIND_U32: return value.value.u32;
        case AMQP_FIELD_KIND_I64: return value.value.i64;
        case AMQP_FIELD_KIND_U64: return static_cast<std::int64_t>(value.value.u64 & INT64_MAX);
        default: return 0;
    }
}

std::string field_text(const amqp_field_value_t& value) {
    return value.kind == AMQP_FIELD_KIND_UTF8 ? text_of(value.value.bytes) : std::string();
}

void take_properties(const amqp_basic_properties_t& properties, Delivery& delivery) {
    if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) delivery.message_id = text_of(properties.message_id);
    if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return;
    for (int i = 0; i < properties.headers.num_entries; ++i) {
        const amqp_table_entry_t& entry = properties.headers.entries[i];
        const std::string_view key(static_cast<const char*>(entry.key.bytes), entry.key.len);
        if (key == "traceparent") {
            delivery.traceparent = field_text(entry.value);
        } else if (key == "x-delivery-count") {
            delivery.delivery_count = integer_of(entry.value);
        } else if (key == "x-first-death-queue") {
            delivery.death_queue = field_text(entry.value);
        } else if (key == "x-first-death-reason") {
            delivery.death_reason = field_text(entry.value);
        }
    }
}

}  // namespace

Result<void> Connection::Impl::take_header(const amqp_frame_t& frame) {
    const auto found = partials_.find(frame.channel);
    if (found == partials_.end()) return {};
    // The library makes another, smaller type of the properties of another class.
    if (frame.payload.properties.class_id != AMQP_BASIC_CLASS)
        return lost("broker: it sent the header of something that is no message");
    Partial& partial = found->second;
    partial.has_header = true;
    partial.body_size = frame.payload.properties.body_size;
    const auto* properties = static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    if (partial.kind == Partial::Kind::delivery) {
        take_properties(*properties, partial.delivery.delivery);
        partial.delivery.oversize = partial.body_size > options_.body_limit;
        if (!partial.delivery.oversize) partial.delivery.delivery.body.reserve(partial.body_size);
    } else if ((properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) {
        partial.returned.message_id = text_of(properties->message_id);
    }
    return {};
}

// The library does not compare pieces with their header: without that no limit would hold.
Result<void> Connection::Impl::take_body(const amqp_frame_t& frame) {
    const auto found = partials_.find(frame.channel);
    if (found == partials_.end()) return {};
    Partial& partial = found->second;
    const amqp_bytes_t piece = frame.payload.body_fragment;
    if (!partial.has_header || piece.len > partial.body_size - partial.body_seen)
        return lost("broker: it sent more of a message than it had announced");
    partial.body_seen += piece.len;
    if (partial.kind == Partial::Kind::delivery && !partial.delivery.oversize) {
        partial.delivery.delivery.body.append(static_cast<const char*>(piece.bytes), piece.len);
    }
    return {};
}

void Connection::Impl::finish_if_complete(ChannelNumber channel, std::vector<Arrival>& arrivals) {
    const auto found = partials_.find(channel);
    if (found == partials_.end()) return;
    Partial& partial = found->second;
    if (!partial.has_header || partial.body_seen < partial.body_size) return;
    if (partial.kind == Partial::Kind::delivery) {
        arrivals.emplace_back(std::move(partial.delivery));
    } else if (partial.kind == Partial::Kind::returned) {
        arrivals.emplace_back(std::move(partial.returned));
    }
    partials_.erase(found);
}

Result<void> Connection::Impl::publish(ChannelNumber channel, const Message& message) {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
    properties.content_type = amqp_cstring_bytes("application/json");
    properties.delivery_mode = 2;  // survives a restart of the broker
    properties.message_id = bytes_of(message.message_id);
    amqp_table_entry_t trace = entry_of("traceparent", field_of(std::string_view(message.traceparent)));
    if (!message.traceparent.empty()) {
        properties._flags |= AMQP_BASIC_HEADERS_FLAG;
        properties.headers = amqp_table_t{1, &trace};
    }
    const int status = amqp_basic_publish(
        state_, channel, bytes_of(message.exchange), bytes_of(message.routing_key), message.mandatory ? 1 : 0, 0,
        &properties, bytes_of(message.body));
    return sent(status, "publishing");
}

Result<void> Connection::Impl::consume(ChannelNumber channel, const std::string& queue) {
    amqp_basic_consume(state_, channel, bytes_of(queue), amqp_cstring_bytes("c"), 0, 0, 0, amqp_empty_table);
    return answer(channel, "consuming from " + queue);
}

Result<void> Connection::Impl::declare_queue(ChannelNumber channel, const Queue& queue) {
    std::vector<amqp_table_entry_t> entries;
    for (const auto& argument : queue.arguments) {
        const auto field = std::visit(
            [](const auto& value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
                    return field_of(std::string_view(value));
                } else {
                    return field_of(value);
                }
            },
            argument.value);
        entries.push_back(entry_of(argument.name.c_str(), field));
    }
    const amqp_table_t table{static_cast<int>(entries.size()), entries.data()};
    amqp_queue_declare(state_, channel, bytes_of(queue.name), 0, 1, 0, 0, table);
    return answer(channel, "declaring queue " + queue.name);
}

void Connection::Impl::close() {
    if (!alive_) return;
    const timeval second{1, 0};
    amqp_set_rpc_timeout(state_, &second);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
    alive_ = false;
}

Connection::Connection(const Address& address, const ConnectionOptions& options)
    : impl_(std::make_unique<Impl>(address, options)) {}
Connection::~Connection() = default;

Result<void> Connection::open() {
    return impl_->connect();
}
bool Connection::alive() const {
    return impl_->alive_;
}
int Connection::socket() const {
    return amqp_get_sockfd(impl_->state_);
}

std::chrono::milliseconds Connection::heartbeat_pause() const {
    const std::chrono::seconds agreed(amqp_get_heartbeat(impl_->state_));
    if (agreed.count() == 0) return std::chrono::seconds(10);
    return std::max(std::chrono::milliseconds(agreed) / 4, std::chrono::milliseconds(250));
}

Result<Connection::ReadResult> Connection::read(std::vector<Arrival>& arrivals, std::size_t limit) {
    return impl_->read(arrivals, limit);
}

Result<void> Connection::open_channel(ChannelNumber channel) {
    amqp_channel_open(impl_->state_, channel);
    return impl_->answer(channel, "opening a channel");
}

void Connection::close_channel(ChannelNumber channel) {
    impl_->forget(channel);
    const auto reply = amqp_channel_close(impl_->state_, channel, AMQP_REPLY_SUCCESS);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) impl_->alive_ = false;
    amqp_maybe_release_buffers_on_channel(impl_->state_, channel);
}

Result<void> Connection::enable_confirms(ChannelNumber channel) {
    amqp_confirm_select(impl_->state_, channel);
    return impl_->answer(channel, "asking for confirms");
}

Result<void> Connection::set_prefetch(ChannelNumber channel, std::uint16_t prefetch) {
    amqp_basic_qos(impl_->state_, channel, 0, prefetch, 0);
    return impl_->answer(channel, "setting the prefetch");
}

Result<void> Connection::declare(ChannelNumber channel, const Exchange& exchange) {
    amqp_exchange_declare(
        impl_->state_, channel, bytes_of(exchange.name), bytes_of(exchange.type), 0, 1, 0, 0, amqp_empty_table);
    return impl_->answer(channel, "declaring exchange " + exchange.name);
}

Result<void> Connection::declare(ChannelNumber channel, const Queue& queue) {
    return impl_->declare_queue(channel, queue);
}

Result<QueueState> Connection::look_at_queue(ChannelNumber channel, const std::string& name) {
    const amqp_queue_declare_ok_t* found =
        amqp_queue_declare(impl_->state_, channel, bytes_of(name), 1, 0, 0, 0, amqp_empty_table);
    // Copied before the answer's memory is given back.
    const QueueState state = found == nullptr ? QueueState{} : QueueState{found->message_count, found->consumer_count};
    if (auto answered = impl_->answer(channel, "looking at queue " + name); !answered) return answered.error();
    return state;
}

Result<void> Connection::bind(ChannelNumber channel, const Binding& binding) {
    amqp_queue_bind(
        impl_->state_, channel, bytes_of(binding.queue), bytes_of(binding.exchange), bytes_of(binding.routing_key),
        amqp_empty_table);
    return impl_->answer(channel, "binding " + binding.queue + " to " + binding.exchange);
}

Result<void> Connection::delete_queue(ChannelNumber channel, const std::string& name) {
    amqp_queue_delete(impl_->state_, channel, bytes_of(name), 0, 0);
    return impl_->answer(channel, "deleting queue " + name);
}

Result<void> Connection::delete_exchange(ChannelNumber channel, const std::string& name) {
    amqp_exchange_delete(impl_->state_, channel, bytes_of(name), 0);
    return impl_->answer(channel, "deleting exchange " + name);
}

Result<void> Connection::publish(ChannelNumber channel, const Message& message) {
    return impl_->publish(channel, message);
}

Result<void> Connection::consume(ChannelNumber channel, const std::string& queue) {
    return impl_->consume(channel, queue);
}

Result<void> Connection::cancel(ChannelNumber channel) {
    amqp_basic_cancel(impl_->state_, channel, amqp_cstring_bytes("c"));
    return impl_->answer(channel, "cancelling a consumer");
}

Result<void> Connection::ack(ChannelNumber channel, std::uint64_t sequence, bool multiple) {
    return impl_->sent(amqp_basic_ack(impl_->state_, channel, sequence, multiple ? 1 : 0), "acking");
}

Result<void> Connection::reject(ChannelNumber channel, std::uint64_t sequence, bool requeue) {
    return impl_->sent(amqp_basic_reject(impl_->state_, channel, sequence, requeue ? 1 : 0), "rejecting");
}

void Connection::interrupt() noexcept {
    impl_->interrupted_ = true;
    if (const int socket = impl_->interrupt_socket_.load(); socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

void Connection::close() {
    impl_->close();
}

}  // namespace ordersaga::broker
