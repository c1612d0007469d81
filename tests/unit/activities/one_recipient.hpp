// Every order goes to the same person, as long as a test does not say otherwise.
#pragma once

#include "activities/recipients.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::activities::tests {

class OneRecipient final : public Recipients {
public:
    boost::asio::awaitable<Answer> of(std::string merchant, std::string saga_id) override {
        asked.push_back(merchant + "/" + saga_id);
        co_return answer;
    }

    Answer answer{
        Answer::Kind::known,
        R"({"name": "Jon Doe", "address1": "1 Street", "city": "Town", "country": "US", "phone_number": null})"};
    std::vector<std::string> asked;
};

}  // namespace ordersaga::activities::tests
