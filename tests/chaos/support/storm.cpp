#include "tests/chaos/support/storm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordersaga::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds between(runtime::Random& random, milliseconds shortest, milliseconds longest) {
    return shortest + milliseconds(random.below(static_cast<std::uint64_t>((longest - shortest).count()) + 1));
}

// Programs and links are many, servers two: each kind of fault gets its share, whatever it can be done to.
std::string kind_of(const Fault& fault) {
    if (fault.subject == "postgresql" || fault.subject == "rabbitmq" || fault.subject == "peers") return fault.subject;
    return fault.subject.find(" to ") == std::string::npos ? "programs" : "links";
}

double seconds_of(steady_clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

bool is_program(const std::string& subject) {
    return subject.starts_with("orchestrator") || subject.starts_with("activity-worker");
}

}  // namespace

Storm::Storm(Victims& victims, Observer& observer, const StormOptions& options, Tell tell)
    : victims_(victims),
      observer_(observer),
      random_(options.seed),
      options_(options),
      tell_(std::move(tell)),
      faults_(all_faults(victims)),
      begin_(steady_clock::now()),
      next_(begin_ + between(random_, milliseconds(1000), options.shortest_pause)) {}

void Storm::tick() {
    for (Active& active : active_) {
        if (active.until <= steady_clock::now()) finish(active);
    }
    std::erase_if(active_, [](const Active& active) { return !active.ending; });
    watch_recoveries();
    if (ended_ || steady_clock::now() < next_) return;
    if (steady_clock::now() - begin_ >= options_.length) {
        ended_ = true;
        return;
    }
    begin_next();
    next_ = steady_clock::now() + between(random_, options_.shortest_pause, options_.longest_pause);
}

bool Storm::over() const {
    return ended_ && active_.empty() && !victims_.system.restarting();
}

void Storm::end() {
    ended_ = true;
    for (Active& active : active_)
        finish(active);
    active_.clear();
}

void Storm::begin_next() {
    static const std::vector<std::string> kinds{"postgresql", "rabbitmq", "programs", "links", "links", "peers"};
    const std::string kind = kinds[random_.below(kinds.size())];
    std::vector<const Fault*> possible;
    for (const Fault& fault : faults_) {
        const bool busy = std::any_of(
            active_.begin(), active_.end(), [&](const Active& active) { return active.subject == fault.subject; });
        const bool is_server = kind == "postgresql" || kind == "rabbitmq";
        if (kind_of(fault) == kind && !busy && !(is_server && victims_.system.restarting())) possible.push_back(&fault);
    }
    if (possible.empty()) return;
    const Fault& fault = *possible[random_.below(possible.size())];
    const milliseconds length = between(random_, fault.shortest, fault.longest);
    tell_(fmt::format("fault: {} ({:.1f} s)", fault.name, seconds_of(length)));
    for (Watch& watch : watches_)
        watch.alone = false;
    const bool alone = active_.empty() && !victims_.system.restarting();
    Active active{fault.name, fault.subject, steady_clock::now() + length, fault.begin(random_)};
    ++caused_[fault.name];
    if (is_program(fault.subject) && fault.name.ends_with(" killed")) watch_death(fault.subject, alone);
    active_.push_back(std::move(active));
}

// What others have in hand is waited for as well: nobody but the dead knew which of it was theirs.
void Storm::watch_death(const std::string& program, bool alone) {
    if (lasts("postgresql") || victims_.system.restarting()) return;
    try {
        Observer::Attempts attempts = observer_.attempts_under_way();
        if (!attempts.empty()) watches_.push_back({program, {}, std::move(attempts), steady_clock::now(), alone});
    } catch (const db::DatabaseError&) {
        // Who cannot be asked just now is not measured.
    }
}

bool Storm::lasts(const std::string& subject) const {
    return std::any_of(active_.begin(), active_.end(), [&](const Active& active) { return active.subject == subject; });
}

void Storm::finish(Active& active) {
    const bool is_server = active.subject == "postgresql" || active.subject == "rabbitmq";
    active.ending();
    active.ending = nullptr;
    tell_("ended: " + active.name);
    const bool came_back = active.name.find("full") == std::string::npos &&
                           active.name.find("queue") == std::string::npos &&
                           active.name.find("messages") == std::string::npos;
    if (is_server && came_back) {
        const bool alone = std::count_if(active_.begin(), active_.end(), [](const Active& one) {
                               return static_cast<bool>(one.ending);
                           }) == 0;
        watches_.push_back(
            {active.subject == "postgresql" ? "PostgreSQL" : "RabbitMQ", {}, {}, steady_clock::now(), alone});
    }
}

void Storm::watch_recoveries() {
    if (watches_.empty() || steady_clock::now() < next_look_) return;
    next_look_ = steady_clock::now() + milliseconds(40);
    if (victims_.system.restarting()) return;
    // Whoever asks a frozen database waits, and nobody would thaw it.
    if (lasts("postgresql")) {
        std::erase_if(watches_, [](const Watch& watch) { return watch.attempts.empty() && !watch.back; });
        return;
    }
    for (Watch& watch : watches_) {
        try {
            const std::optional<double> took = recovered(watch);
            if (!took) continue;
            recoveries_.push_back({watch.subject, *took, watch.alone});
            tell_(fmt::format(
                "{}, {} after {:.2f} s{}", watch.subject + (watch.attempts.empty() ? " back" : " killed"),
                watch.attempts.empty() ? "first saga moved" : "all that was under way was done", *took,
                watch.alone ? "" : " (other faults meanwhile)"));
            watch.subject.clear();
        } catch (const db::DatabaseError&) {
            // Gone again: what comes of it is the next one's.
            watch.alone = false;
        }
    }
    std::erase_if(watches_, [](const Watch& watch) { return watch.subject.empty(); });
}

std::optional<double> Storm::recovered(Watch& watch) {
    if (!watch.attempts.empty()) {
        if (observer_.unanswered(watch.attempts) != 0) return std::nullopt;
        return seconds_of(steady_clock::now() - watch.since);
    }
    if (!watch.back) watch.back = observer_.now();
    const auto moved = watch.subject == "RabbitMQ" ? observer_.first_outcome_after(*watch.back)
                                                   : observer_.first_step_after(*watch.back);
    if (!moved) return std::nullopt;
    return std::chrono::duration<double>(*moved - *watch.back).count();
}

}  // namespace ordersaga::chaos
