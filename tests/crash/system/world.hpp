// One whole system on real servers, kept up while its programs are killed and started again, one death after the other.
//
// The stand-in world places orders and remembers every effect; what customers, pickers and operators do later is a list of
// steps that are tried until they succeed, so that a walk goes on whatever is dead just now. Main thread only; what goes
// wrong throws std::runtime_error.
#pragma once

#include "sandbox/demo/system.hpp"
#include "sandbox/demo/witness.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::crash {

using nlohmann::json;

struct Placed {
    demo::PlacedOrder order;
    bool goes_out = true;       // what the witness may expect; false: it must not be in the warehouse in the end
    bool comes_to_rest = true;  // false: it waits for somebody else (an observed store)

    [[nodiscard]] std::string reference(int part = 1, int generation = 1) const;
};

class World {
public:
    // Starts everything; `folder` gets logs and settings.
    explicit World(std::filesystem::path folder);

    // --- what happens in it
    struct Wish {
        std::size_t shop = 0;
        std::vector<demo::PlannedLine> lines;
        bool oversell = false, paid = true;
        bool goes_out = true, comes_to_rest = true;
    };
    // In one call, so that no webhook comes in between. The orders since settle() are those of one walk.
    std::vector<Placed> place(const std::vector<Wish>& wishes);
    // Tried all the time until it answers true.
    void later(std::function<bool()> step) { steps_.push_back(std::move(step)); }
    static std::function<bool()> after(std::chrono::milliseconds delay, std::function<bool()> step);
    [[nodiscard]] bool happened(const std::string& kind, const std::string& reference) const;
    // By REST; empty while nobody answers, or knows the order.
    std::string state_of(const Placed& order);
    void warehouse(const json& settings);
    void change(const Placed& order, const std::string& action, const json& body = json::object());
    bool operate(const std::string& verb, const Placed& order);
    void faults(const json& calls);
    // Of the database, past every rule of ours.
    std::string sql(const std::string& script);
    demo::System& system() { return system_; }

    // --- deaths
    // Killed, if it lives, and started with this; returns when it is open for webhooks, or dead.
    void start(const std::string& subject, const std::map<std::string, std::string>& environment = {});
    // How often, so far.
    int starts(const std::string& subject) const { return starts_.contains(subject) ? starts_.at(subject) : 0; }
    // The names of the points that it has passed since it was started with ORDERSAGA_CRASH_LOG.
    std::vector<std::string> points_passed(const std::string& subject) const;
    std::map<std::string, std::string> logged(const std::string& subject, const std::string& crash_at = {}) const;
    // Until it is dead; the status, as a shell tells it. nullopt: it lives still.
    std::optional<int> await_end(const std::string& subject, std::chrono::milliseconds patience);
    // Lets a moment pass in which the steps are tried.
    void tick();

    // --- the verdict
    // Until every order of the walk is final, every step done, all stores told. Answers what is wrong, one line each:
    // the laws in the database, and what the stand-in world saw. `ask_a_person`: an incident is a rest, too.
    std::vector<std::string> settle(bool ask_a_person);
    // The same for all orders ever placed, after the last walk.
    std::vector<std::string> account();

private:
    bool open() const;
    void read_ledger();
    bool at_rest(bool ask_a_person, std::string& missing);
    void judge_effects(const std::vector<Placed>& orders, std::vector<std::string>& faults);
    void judge_laws(std::vector<std::string>& faults);

    std::filesystem::path folder_;
    demo::System system_;
    std::vector<Placed> walk_, all_;
    std::list<std::function<bool()>> steps_;
    std::map<std::string, int> starts_;
    std::vector<json> effects_;
    std::int64_t ledger_read_to_ = 0;
    std::chrono::steady_clock::time_point ledger_read_at_{}, next_command_{};
};

}  // namespace ordersaga::crash
