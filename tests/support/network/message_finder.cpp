#include "tests/support/network/message_finder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace ordersaga::network {
namespace {

std::uint32_t number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char byte : bytes)
        value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

// Gathers bytes into messages of a length that their first bytes tell. Of a long one only the beginning is kept.
class FramedFinder : public MessageFinder {
public:
    std::vector<FoundMessage> feed(std::string_view bytes) override {
        std::vector<FoundMessage> found;
        std::size_t begin = 0;
        for (std::size_t at = 0; at < bytes.size();) {
            if (length_ == 0) {
                if (seen_ == 0) begin = at;
                head_.push_back(bytes[at++]);
                ++seen_;
                length_ = length_of(head_);
            } else {
                const std::size_t part = std::min(length_ - seen_, bytes.size() - at);
                if (head_.size() < most_kept) head_.append(bytes.substr(at, std::min(part, most_kept - head_.size())));
                seen_ += part;
                at += part;
            }
            if (length_ == 0 || seen_ < length_) continue;
            if (std::string name = name_of(head_); !name.empty()) found.push_back({std::move(name), begin, at});
            head_.clear();
            seen_ = length_ = 0;
            begin = at;
        }
        return found;
    }

protected:
    static constexpr std::size_t most_kept = 256;

    // 0: these bytes do not tell yet.
    virtual std::size_t length_of(std::string_view head) = 0;
    // Empty: one that nobody asks for.
    virtual std::string name_of(std::string_view head) = 0;

private:
    std::string head_;
    std::size_t seen_ = 0, length_ = 0;
};

// Requests begin without a type until the session itself begins: wishes for encryption, then the start-up message.
class PostgresRequests final : public FramedFinder {
    std::size_t length_of(std::string_view head) override {
        if (starting_) return head.size() < 4 ? 0 : std::max<std::size_t>(number(head.substr(0, 4)), 8);
        return head.size() < 5 ? 0 : 1 + std::max<std::size_t>(number(head.substr(1, 4)), 4);
    }
    std::string name_of(std::string_view head) override {
        if (starting_) {
            constexpr std::uint32_t ssl = 80877103, gss = 80877104;
            const std::uint32_t code = number(head.substr(4, 4));
            starting_ = code == ssl || code == gss;
            return {};
        }
        const char type = head[0];
        if (type == 'Q') return head.substr(5).starts_with("COMMIT") ? "COMMIT" : "statement";
        return type == 'E' ? "statement" : "";
    }
    bool starting_ = true;
};

class PostgresAnswers final : public FramedFinder {
    std::size_t length_of(std::string_view head) override {
        // One letter answers a wish for encryption; the first true message asks for the password or complains.
        if (starting_ && head[0] != 'R' && head[0] != 'E') return 1;
        starting_ = false;
        return head.size() < 5 ? 0 : 1 + std::max<std::size_t>(number(head.substr(1, 4)), 4);
    }
    std::string name_of(std::string_view head) override {
        return head.size() > 5 && head[0] == 'C' && head.substr(5).starts_with("COMMIT") ? "COMMIT done" : "";
    }
    bool starting_ = true;
};

class AmqpFrames final : public FramedFinder {
public:
    explicit AmqpFrames(Direction direction) : greeting_(direction == Direction::to_server) {}

private:
    std::size_t length_of(std::string_view head) override {
        if (greeting_) return 8;  // "AMQP" and a version
        return head.size() < 7 ? 0 : std::size_t{8} + number(head.substr(3, 4));
    }
    std::string name_of(std::string_view head) override {
        if (std::exchange(greeting_, false)) return {};
        if (head[0] == 8) return "heartbeat";
        if (head[0] != 1 || head.size() < 11 || number(head.substr(7, 2)) != 60) return {};
        switch (number(head.substr(9, 2))) {
            case 30: return "basic.cancel";
            case 40: return "basic.publish";
            case 60: return "basic.deliver";
            case 80: return "basic.ack";
            default: return {};
        }
    }
    bool greeting_;
};

// The first line of a request or an answer; bodies are not followed, so a line of theirs that looks alike counts too.
class HttpLines final : public MessageFinder {
public:
    explicit HttpLines(Direction direction) : direction_(direction) {}

    std::vector<FoundMessage> feed(std::string_view bytes) override {
        std::vector<FoundMessage> found;
        std::size_t begin = 0;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            if (line_.size() < most_kept) line_.push_back(bytes[at]);
            if (bytes[at] != '\n') continue;
            const bool answer = line_.starts_with("HTTP/1.");
            const bool request = !answer && line_.find(" HTTP/1.") != std::string::npos;
            if (direction_ == Direction::to_server ? request : answer)
                found.push_back({direction_ == Direction::to_server ? "request" : "answer", begin, at + 1});
            line_.clear();
            begin = at + 1;
        }
        return found;
    }

private:
    static constexpr std::size_t most_kept = 8192;
    Direction direction_;
    std::string line_;
};

class Nothing final : public MessageFinder {
    std::vector<FoundMessage> feed(std::string_view) override { return {}; }
};

}  // namespace

std::unique_ptr<MessageFinder> make_finder(Protocol protocol, Direction direction) {
    switch (protocol) {
        case Protocol::postgresql:
            if (direction == Direction::to_server) return std::make_unique<PostgresRequests>();
            return std::make_unique<PostgresAnswers>();
        case Protocol::amqp: return std::make_unique<AmqpFrames>(direction);
        case Protocol::http: return std::make_unique<HttpLines>(direction);
        case Protocol::none: break;
    }
    return std::make_unique<Nothing>();
}

}  // namespace ordersaga::network
