#include "activities/recipients.hpp"

#include "runtime/completion.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace ordersaga::activities {

namespace {

// A command waits no longer than this for the database: its own deadline is a matter of seconds.
constexpr std::chrono::seconds patience{2};

class KeptRecipients final : public Recipients {
public:
    explicit KeptRecipients(db::Recipients& kept) : kept_(kept) {}

    boost::asio::awaitable<Answer> of(std::string merchant, std::string saga_id) override {
        const runtime::Completion<Answer> read;
        kept_.find(merchant, saga_id, [read](Answer answer) { read.complete(std::move(answer)); });
        std::optional<Answer> answer = co_await read.wait_for(patience);
        co_return answer ? std::move(*answer)
                         : Answer{Answer::Kind::unavailable, "the database did not answer in time"};
    }

private:
    db::Recipients& kept_;
};

}  // namespace

std::shared_ptr<Recipients> kept_recipients(db::Recipients& kept) {
    return std::make_shared<KeptRecipients>(kept);
}

}  // namespace ordersaga::activities
