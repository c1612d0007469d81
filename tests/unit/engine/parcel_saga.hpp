// A saga that has nothing to do with any other: a parcel takes a box, is packed, is sent; or it is unpacked and gives the
// box back. Two steps and an undo, on the real engine.
#pragma once

#include "sagas/definition.hpp"

#include <map>
#include <string>
#include <vector>

namespace ordersaga::engine {

class ParcelSaga final : public sagas::SagaDefinition {
public:
    explicit ParcelSaga(int version = 2, std::vector<int> loads = {1, 2});

    std::string_view kind() const override { return "parcel"; }
    int version() const override { return version_; }
    bool can_load(int definition_version) const override;
    std::string_view initial_state() const override { return "Ordered"; }
    bool is_final(std::string_view state) const override {
        return state == "Done" || state == "Undone" || state == "Refused";
    }
    bool knows(std::string_view state) const override;
    sagas::Decision decide(const sagas::SagaSnapshot& saga, const sagas::Event& event, sagas::Instant now)
        const override;
    sagas::Event event_of(
        std::string_view activity,
        const nlohmann::json& command_payload,
        const sagas::Outcome& outcome,
        bool exhausted) const override;
    const sagas::ActivityPolicy& policy_of(std::string_view activity) const override;
    sagas::Outcome assumed_outcome(std::string_view activity, const nlohmann::json& command_payload) const override;
    std::optional<sagas::Event> assumed_event(std::string_view) const override { return std::nullopt; }

    sagas::ActivityPolicy& policy(const std::string& activity) { return policies_.at(activity); }

private:
    int version_;
    std::vector<int> loads_;
    std::map<std::string, sagas::ActivityPolicy, std::less<>> policies_;
};

}  // namespace ordersaga::engine
