// Whom an order goes to. Commands only name the saga: addresses stand in no queue and in no dead letter.
//
// Thread: coroutines on the caller's executor.
#pragma once

#include "db/recipients.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace ordersaga::activities {

class Recipients {
public:
    using Answer = db::Recipients::Answer;

    virtual ~Recipients() = default;
    virtual boost::asio::awaitable<Answer> of(std::string merchant, std::string saga_id) = 0;
};

// From the database; `kept` must outlive the result.
std::shared_ptr<Recipients> kept_recipients(db::Recipients& kept);

}  // namespace ordersaga::activities
