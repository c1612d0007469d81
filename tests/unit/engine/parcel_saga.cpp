#include "tests/unit/engine/parcel_saga.hpp"

#include <algorithm>
#include <stdexcept>

namespace ordersaga::engine {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::Command;
using sagas::Decision;
using sagas::Event;
using sagas::Outcome;
using sagas::OutcomeKind;
using sagas::SagaSnapshot;

namespace {

const std::vector<std::string> states = {"Ordered",   "Packing", "Sending", "Done",
                                         "Unpacking", "Undone",  "Refused", "NeedsOperator"};

Command command(const char* activity, const SagaSnapshot& saga) {
    Command wanted;
    wanted.activity = activity;
    wanted.lane = saga.data.value("lane", "bench:1");
    wanted.idempotency_key = std::string(activity) + ":" + saga.data.value("name", "");
    wanted.origin = saga.data.value("origin", "");
    wanted.payload = {{"name", saga.data.value("name", "")}};
    return wanted;
}

const sagas::OpenCommand* open_of(const SagaSnapshot& saga, std::string_view activity) {
    for (const sagas::OpenCommand& open : saga.open_commands) {
        if (open.activity == activity) return &open;
    }
    return nullptr;
}

}  // namespace

ParcelSaga::ParcelSaga(int version, std::vector<int> loads) : version_(version), loads_(std::move(loads)) {
    sagas::ActivityPolicy write;
    write.family = "bench";
    write.max_attempts = 4;
    write.initial_interval = 1s;
    write.max_interval = 3s;
    write.start_to_close = 20s;
    write.call_deadline = 10s;
    write.send_within = 5s;
    write.lookup_delay = 2s;
    policies_["Pack"] = write;
    policies_["Send"] = write;
    policies_["Unpack"] = write;
    policies_["Unpack"].priority = 0;
    policies_["Look"] = write;
    policies_["Look"].write = false;
    policies_["Look"].priority = 1;
}

bool ParcelSaga::can_load(int definition_version) const {
    return std::find(loads_.begin(), loads_.end(), definition_version) != loads_.end();
}

bool ParcelSaga::knows(std::string_view state) const {
    return std::find(states.begin(), states.end(), state) != states.end();
}

Decision ParcelSaga::decide(const SagaSnapshot& saga, const Event& event, sagas::Instant now) const {
    Decision decision;
    decision.handled = true;
    decision.state = saga.state;
    decision.data = saga.data;
    const std::string& state = saga.state;
    auto go = [&](const char* to) {
        decision.state = to;
    };
    if (event.name == "Break" || (event.name == "TimeReached" && saga.data.value("breaks", false))) {
        throw std::invalid_argument("this parcel breaks");
    }
    if (event.name == "Impossible") {
        // A state that the store refuses: the whole batch is impossible.
        decision.state = "";
    } else if (event.name == "Spin") {
        decision.effects.push_back({"Spin", json::object()});
    } else if (event.name == "Poke") {
        decision.effects.push_back({"Poke", event.payload});
    } else if (state == "Ordered" && event.name == "ParcelOrdered") {
        decision.effects.push_back({"TakeBox", {{"boxes", 1}}});
    } else if (state == "Ordered" && event.name == "BoxTaken") {
        go("Packing");
        decision.commands.push_back(command("Pack", saga));
    } else if (state == "Ordered" && event.name == "NoBox") {
        go("Refused");
        decision.note = "no box is left";
    } else if (state == "Packing" && event.name == "Packed") {
        bool undo = saga.data.value("undo", false);
        go(undo ? "Unpacking" : "Sending");
        decision.commands.push_back(command(undo ? "Unpack" : "Send", saga));
        decision.closes_incident = true;
    } else if (state == "Packing" && (event.name == "PackFailed" || event.name == "PackUnknown")) {
        go("NeedsOperator");
        decision.incident = event.name + ": " + event.payload.value("reason", "");
    } else if (state == "Packing" && event.name == "UndoRequested") {
        const sagas::OpenCommand* pack = open_of(saga, "Pack");
        if (pack != nullptr && pack->perhaps_applied) {
            decision.data["undo"] = true;
            decision.note = "remembered";
        } else {
            if (pack != nullptr) decision.withdraw.push_back(pack->command_id);
            go("Undone");
            decision.effects.push_back({"GiveBox", {{"boxes", 1}}});
        }
    } else if (state == "Sending" && event.name == "Sent") {
        go("Done");
        decision.announcements.push_back({"parcels.done", {{"name", saga.data.value("name", "")}}});
    } else if (state == "NeedsOperator" && event.name == "OperatorRetried") {
        go("Packing");
        decision.commands.push_back(command("Pack", saga));
        decision.closes_incident = true;
    } else if (state == "NeedsOperator" && event.name == "UndoRequested") {
        go("Unpacking");
        decision.commands.push_back(command("Unpack", saga));
    } else if (state == "Unpacking" && event.name == "Unpacked") {
        go("Undone");
        decision.effects.push_back({"GiveBox", {{"boxes", 1}}});
        decision.closes_incident = true;
    } else if (event.name == "Complaint") {
        decision.incident = "somebody complained";
    } else if (event.name == "Whisper") {
        decision.handled = false;
        decision.silent = true;
        decision.note = "nobody cares";
    } else {
        decision.handled = false;
        decision.note = event.name + " means nothing in " + state;
    }
    if (!is_final(decision.state) && !saga.data.value("forgets_to_wake", false)) decision.next_wake = now + 1h;
    return decision;
}

Event ParcelSaga::event_of(std::string_view activity, const json&, const Outcome& outcome, bool exhausted) const {
    std::string past = activity == "Pack" ? "Packed" : activity == "Send" ? "Sent" : "Unpacked";
    if (outcome.kind == OutcomeKind::done) return {past, outcome.payload, {}};
    const char* end = outcome.kind == OutcomeKind::unknown ? "Unknown" : "Failed";
    return {std::string(activity) + end, {{"reason", outcome.reason}, {"exhausted", exhausted}}, {}};
}

const sagas::ActivityPolicy& ParcelSaga::policy_of(std::string_view activity) const {
    auto found = policies_.find(activity);
    if (found == policies_.end()) throw std::out_of_range("no policy for " + std::string(activity));
    return found->second;
}

Outcome ParcelSaga::assumed_outcome(std::string_view, const json&) const {
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    return outcome;
}

}  // namespace ordersaga::engine
