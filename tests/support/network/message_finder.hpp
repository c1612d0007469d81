// Finds the messages of a protocol in the bytes of one direction, so that a link can be cut at the one that hurts: a COMMIT
// that was sent and not answered, a confirm or an ack that gets lost. Knows names, lengths and nothing of contents; bytes
// arrive in any slices. One thread.
//
// Names: PostgreSQL, to the server "COMMIT" and "statement", to the client "COMMIT done"; AMQP 0-9-1, both ways
// "basic.publish", "basic.deliver", "basic.ack" (a confirm to the client, a receipt to the server), "basic.cancel" and
// "heartbeat"; HTTP/1.1, to the server "request", to the client "answer". TLS hides them all.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::network {

enum class Direction { to_server, to_client };
enum class Protocol { none, postgresql, amqp, http };

struct FoundMessage {
    std::string name;
    // Where it begins and ends in the bytes of this feed; `begin` is 0 when its first bytes came earlier.
    std::size_t begin = 0, end = 0;
};

class MessageFinder {
public:
    virtual ~MessageFinder() = default;
    // Those that end within `bytes`.
    virtual std::vector<FoundMessage> feed(std::string_view bytes) = 0;
};

// Of one direction of one link, from its first byte on.
std::unique_ptr<MessageFinder> make_finder(Protocol protocol, Direction direction);

}  // namespace ordersaga::network
