// When those who are turned away shall come again: each is told a moment of his own, an eighth as many in a second as were
// taken in a second of late: what comes by itself needs the rest. Told the same, they would come together and be turned away
// together, and what overwhelmed the engine once would do so again.
//
// Not thread-safe. Senders need not obey (nobody has written that Shopify does).
#pragma once

#include <algorithm>
#include <chrono>

namespace ordersaga {

class ReturnTimes {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds soonest{2}, latest{3'600};
    static constexpr double share = 1.0 / 8;

    void taken(Clock::time_point now) {
        const std::chrono::duration<double> length = now - window_began_;
        if (length >= window) {
            const double rate = taken_ / length.count();
            taken_per_s_ = taken_per_s_ == 0 ? rate : 0.7 * taken_per_s_ + 0.3 * rate;
            window_began_ = now;
            taken_ = 0;
        }
        taken_ += 1;
    }

    // From now until the next one may come. More of them than `latest` has room for share its seconds anew.
    std::chrono::seconds next(Clock::time_point now) {
        const std::chrono::duration<double> gap(1 / std::max(taken_per_s_ * share, 1.0));
        next_ = std::max(next_, now + soonest) + std::chrono::duration_cast<Clock::duration>(gap);
        if (next_ > now + latest) next_ = now + soonest;
        return std::chrono::ceil<std::chrono::seconds>(next_ - now);
    }

private:
    static constexpr std::chrono::seconds window{1};
    Clock::time_point window_began_{}, next_{};
    double taken_ = 0, taken_per_s_ = 0;
};

}  // namespace ordersaga
