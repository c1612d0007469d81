#pragma once

// A broker of a few lines that says exactly what a test wants it to say: for what a real one says only under a memory
// alarm or never. Speaks AMQP 0-9-1 far enough for one publisher; one link at a time; its thread is the test's own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ordersaga::broker {

struct ScriptedFrame {
    std::uint8_t type = 0;
    std::uint16_t channel = 0;
    std::string payload;

    // Class and method id of a method frame: 60 and 40 for basic.publish.
    std::uint32_t method() const {
        if (type != 1 || payload.size() < 4) return 0;
        std::uint32_t id = 0;
        for (std::size_t i = 0; i < 4; ++i)
            id = id << 8 | static_cast<std::uint8_t>(payload[i]);
        return id;
    }
};

constexpr std::uint32_t method_id(std::uint32_t class_id, std::uint32_t method) {
    return class_id << 16 | method;
}

class ScriptedBroker {
public:
    ScriptedBroker() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            throw std::runtime_error("the scripted broker cannot listen");
        }
        port_ = ntohs(address.sin_port);
    }
    ~ScriptedBroker() {
        hang_up();
        ::close(listener_);
    }
    ScriptedBroker(const ScriptedBroker&) = delete;
    ScriptedBroker& operator=(const ScriptedBroker&) = delete;

    int port() const { return port_; }

    // Accepts a client and leads it to an open channel 1 with confirms. Returns what the client said about itself.
    std::string welcome() {
        link_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        take(8);  // "AMQP" 0 0 9 1
        send_method(0, 10, 10, std::string("\0\x09", 2) + u32(0) + long_text("PLAIN") + long_text("en_US"));
        const std::string start_ok = expect(method_id(10, 11)).payload;
        send_method(0, 10, 30, u16(2047) + u32(131'072) + u16(0));
        expect(method_id(10, 31));
        expect(method_id(10, 40));
        send_method(0, 10, 41, short_text(""));
        expect(method_id(20, 10));
        send_method(1, 20, 11, u32(0));
        expect(method_id(85, 10));
        send_method(1, 85, 11, "");
        return start_ok;
    }

    void block(std::string_view reason) { send_method(0, 10, 60, short_text(reason)); }
    void unblock() { send_method(0, 10, 61, ""); }
    void confirm(std::uint64_t sequence, bool multiple, bool positive) {
        send_method(1, 60, positive ? 80 : 120, u64(sequence) + std::string(1, multiple ? '\1' : '\0'));
    }
    void send_raw(std::string_view bytes) {
        if (::send(link_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
            throw std::runtime_error("the client has gone");
        }
    }

    // The next basic.publish with its header and body taken, too; nothing if none comes for so long.
    bool takes_publish(int milliseconds) {
        for (;;) {
            const auto frame = next(milliseconds);
            if (!frame) return false;
            if (frame->method() != method_id(60, 40)) continue;
            next(milliseconds);
            next(milliseconds);
            return true;
        }
    }

    void hang_up() {
        if (link_ >= 0) ::close(link_);
        link_ = -1;
    }

    static std::string method_frame(
        std::uint16_t channel,
        std::uint16_t class_id,
        std::uint16_t method,
        std::string_view arguments) {
        return frame('\1', channel, u16(class_id) + u16(method) + std::string(arguments));
    }
    static std::string frame(char type, std::uint16_t channel, const std::string& payload) {
        return type + u16(channel) + u32(static_cast<std::uint32_t>(payload.size())) + payload + "\xce";
    }
    static std::string number(std::uint64_t value, int bytes) {
        std::string text;
        for (int i = bytes - 1; i >= 0; --i)
            text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
        return text;
    }
    static std::string u16(std::uint16_t value) { return number(value, 2); }
    static std::string u32(std::uint32_t value) { return number(value, 4); }
    static std::string u64(std::uint64_t value) { return number(value, 8); }
    static std::string short_text(std::string_view text) { return number(text.size(), 1) + std::string(text); }
    static std::string long_text(std::string_view text) { return number(text.size(), 4) + std::string(text); }

private:
    void send_method(
        std::uint16_t channel,
        std::uint16_t class_id,
        std::uint16_t method,
        const std::string& arguments) {
        send_raw(method_frame(channel, class_id, method, arguments));
    }

    std::string take(std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t got = 0; got < size;) {
            const auto now = ::recv(link_, bytes.data() + got, size - got, 0);
            if (now <= 0) throw std::runtime_error("the client has gone");
            got += static_cast<std::size_t>(now);
        }
        return bytes;
    }

    std::optional<ScriptedFrame> next(int milliseconds) {
        pollfd descriptor{link_, POLLIN, 0};
        if (::poll(&descriptor, 1, milliseconds) <= 0) return std::nullopt;
        const std::string head = take(7);
        const auto byte = [&](std::size_t i) {
            return static_cast<std::uint32_t>(static_cast<std::uint8_t>(head[i]));
        };
        ScriptedFrame frame;
        frame.type = static_cast<std::uint8_t>(byte(0));
        frame.channel = static_cast<std::uint16_t>(byte(1) << 8 | byte(2));
        frame.payload = take(byte(3) << 24 | byte(4) << 16 | byte(5) << 8 | byte(6));
        take(1);
        return frame;
    }

    ScriptedFrame expect(std::uint32_t method) {
        for (;;) {
            const auto frame = next(10'000);
            if (!frame) throw std::runtime_error("the client did not go on");
            if (frame->method() == method) return *frame;
        }
    }

    int listener_;
    int link_ = -1;
    int port_ = 0;
};

}  // namespace ordersaga::broker
