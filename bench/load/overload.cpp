// Half of the rate that is held, all of it, three times it, and half again. It claims that nothing is lost, and tells by how much the answers to those
// who were admitted get slower, and how soon all is as it was before.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

constexpr double longest_recovery_s = 180;
constexpr double watched_s = 60;  // those who were refused come back, and must not bring it about again

struct Span {
    runtime::Instant from, until;
};

struct Window {
    double p99_ms = 0;  // of those that were taken at the first try
    std::size_t sent = 0, refused = 0;
};

// Of the orders due in that time. One whose first answer has not come yet counts as refused.
Window window_of(Stage& stage, const Span& span) {
    Window window;
    for (const Sent& sent : stage.generator().sent()) {
        if (sent.what != Sent::What::order || sent.due < span.from || sent.due >= span.until) continue;
        ++window.sent;
        window.refused += sent.status / 100 == 2 ? 0U : 1U;
    }
    window.p99_ms = percentile(stage.latencies(span.from, span.until).answered_ms, 0.99);
    return window;
}

Span keep(Stage& stage, double rate, double length) {
    const auto from = runtime::SystemClock().now();
    stage.keep_rate(rate, length);
    return {from, runtime::SystemClock().now()};
}

}  // namespace

Outcome run_overload(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage);
    const double held = options.rate > 0 ? options.rate : find_rate(stage);
    const double normal = held / 2, length = or_own(options.seconds, 60.0);
    stage.drain(std::chrono::seconds(120));
    keep(stage, normal, 3);
    const Span quiet = keep(stage, normal, std::max(5.0, length / 3));
    say(fmt::format("{:.0f} orders/s were normal, now {:.0f}/s, all that is held", normal, held));
    keep(stage, held, 3);
    const Span full = keep(stage, held, std::max(5.0, length / 3));
    say(fmt::format("now {:.0f}/s", 3 * held));
    const Span loud = keep(stage, 3 * held, length);
    const auto over = std::chrono::steady_clock::now();
    const std::size_t backlog = stage.backlog();
    const Window before = window_of(stage, quiet), at_held = window_of(stage, full);
    say(fmt::format("{} orders under way; now {:.0f}/s again", backlog, normal));
    double recovered_s = -1;
    std::size_t refused_later = 0;
    while (seconds_since(over) < (recovered_s < 0 ? longest_recovery_s : watched_s)) {
        const double so_far = seconds_since(over);
        Span span = keep(stage, normal, 2);
        span.until -= std::chrono::milliseconds(200);  // who was due just now may well wait for his answer
        const Window now = window_of(stage, span);
        if (recovered_s >= 0) refused_later += now.refused;
        const bool as_before =
            now.refused == 0 && now.p99_ms <= 2 * before.p99_ms && static_cast<double>(stage.moving()) < normal;
        if (as_before && recovered_s < 0) recovered_s = so_far;
        say(fmt::format(
            "after {:.0f} s: {} of {} refused, p99 {:.0f} ms, {} orders taken and not yet requested",
            seconds_since(over), now.refused, now.sent, now.p99_ms, stage.moving()));
    }
    stage.drain(std::chrono::seconds(1200));
    const Window during = window_of(stage, loud);
    const Verdict verdict = stage.judge();
    return judged(
        stage,
        {{"held_per_s", held},
         {"normal_per_s", normal},
         {"overload_per_s", 3 * held},
         {"seconds", length},
         {"normal_p99_ms", before.p99_ms},
         {"held_p99_ms", at_held.p99_ms},
         {"admitted_p99_ms", during.p99_ms},
         {"admitted_p99_ratio", during.p99_ms / std::max(before.p99_ms, 0.01)},
         {"admitted_p99_ratio_to_held", during.p99_ms / std::max(at_held.p99_ms, 0.01)},
         {"sent", during.sent},
         {"refused", during.refused},
         {"backlog_when_over", backlog},
         {"recovered_s", recovered_s < 0 ? json(nullptr) : json(recovered_s)},
         {"refused_when_recovered", refused_later},
         {"lost", verdict.lost}},
        verdict);
}

}  // namespace ordersaga::bench
