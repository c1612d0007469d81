// Random real faults, one after the other and over each other, all drawn from a seed: when the next comes, which, how long.
// What happened is printed as it happens, and how soon sagas moved again when a server came back. Main thread: tick() is
// called all the time.
#pragma once

#include "runtime/random.hpp"
#include "tests/chaos/support/fault_catalogue.hpp"
#include "tests/chaos/support/observer.hpp"
#include "tests/chaos/support/recovery.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::chaos {

struct StormOptions {
    std::uint64_t seed = 1;
    std::chrono::seconds length{60};
    std::chrono::milliseconds shortest_pause{5'000}, longest_pause{20'000};
};

class Storm {
public:
    using Tell = std::function<void(const std::string&)>;
    Storm(Victims& victims, Observer& observer, const StormOptions& options, Tell tell);

    void tick();
    // Ends what still lasts; nothing begins any more.
    void end();
    [[nodiscard]] bool over() const;  // the time is up and every fault has ended

    [[nodiscard]] const std::map<std::string, int>& caused() const { return caused_; }  // by name
    [[nodiscard]] const std::vector<Recovery>& recoveries() const { return recoveries_; }

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Active {
        std::string name, subject;
        Time until;
        Ending ending;
    };
    struct Watch {
        std::string subject;
        std::optional<db::Instant> back;  // a server's, once it is
        Observer::Attempts attempts;      // of a program's death
        Time since;
        bool alone = true;
    };

    void begin_next();
    void finish(Active& active);
    void watch_death(const std::string& program, bool alone);
    void watch_recoveries();
    // How long it took, once it is over; nothing until then.
    std::optional<double> recovered(Watch& watch);
    [[nodiscard]] bool lasts(const std::string& subject) const;

    Victims& victims_;
    Observer& observer_;
    runtime::SeededRandom random_;
    StormOptions options_;
    Tell tell_;
    std::vector<Fault> faults_;
    Time begin_, next_;
    bool ended_ = false;
    std::vector<Active> active_;
    std::vector<Watch> watches_;
    Time next_look_{};
    std::map<std::string, int> caused_;
    std::vector<Recovery> recoveries_;
};

}  // namespace ordersaga::chaos
