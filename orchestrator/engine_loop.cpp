#include "orchestrator/engine_loop.hpp"

#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/priority.hpp"

#include <algorithm>

namespace ordersaga {

namespace {

constexpr std::chrono::milliseconds first_pause{20};
constexpr std::chrono::milliseconds longest_pause{1'000};

engine::InputResult unavailable() {
    engine::InputResult result;
    result.kind = engine::InputResult::Kind::unavailable;
    result.reason = "the database is not available";
    return result;
}

}  // namespace

EngineLoop::EngineLoop(engine::Engine& engine, runtime::Metrics& metrics, EngineLoopOptions options)
    : engine_(engine), metrics_(metrics), options_(options) {
    if (!options_.looks) next_look_ = Clock::time_point::max();
}

EngineLoop::~EngineLoop() {
    stop();
}

void EngineLoop::start() {
    last_round_ = Clock::now().time_since_epoch().count();
    thread_ = std::thread([this] { run(); });
}

void EngineLoop::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    give_up(true);
}

bool EngineLoop::offer(engine::Input input) {
    const auto* outcome = std::get_if<engine::OutcomeArrived>(&input.content);
    const bool patient = outcome != nullptr;
    const auto* arrival = std::get_if<engine::Arrival>(&input.content);
    const bool can_wait = patient ? outcome->can_wait : arrival != nullptr && arrival->apart;
    const std::string line = arrival == nullptr ? std::string() : arrival->line;
    bool wakes = false;
    {
        std::lock_guard lock(mutex_);
        if (stopping_ || (!patient && is_too_much_before(line))) return false;
        const Clock::time_point now = Clock::now();
        if (!line.empty()) return_times_.taken(now);
        queue_.push(line, {std::move(input), now, patient});
        const bool full = queue_.size() >= options_.batch_limit;
        const Clock::time_point at = full ? now : now + (can_wait ? options_.linger : options_.gather);
        wakes = at < batch_at_;
        batch_at_ = std::min(batch_at_, at);
    }
    if (wakes) wake_.notify_one();
    return true;
}

bool EngineLoop::has_room(const std::string& line) const {
    std::lock_guard lock(mutex_);
    return !stopping_ && !is_too_much_before(line);
}

std::chrono::seconds EngineLoop::return_in() {
    std::lock_guard lock(mutex_);
    return return_times_.next(Clock::now());
}

bool EngineLoop::is_too_much_before(const std::string& line) const {
    if (!queue_.may_grow(line, options_.queue_limit)) return true;
    const double wait_s = std::chrono::duration<double>(options_.longest_wait).count();
    return inputs_per_s_ > 0 && static_cast<double>(queue_.ahead_of(line)) > wait_s * inputs_per_s_;
}

bool EngineLoop::offer_preview(api::PreviewRequest request) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return false;
        previews_.push_back(std::move(request));
    }
    wake_.notify_one();
    return true;
}

void EngineLoop::published(std::vector<std::pair<std::string, std::string>> commands_and_tokens) {
    {
        std::lock_guard lock(mutex_);  // these ride with the next batch, or with the next look
        std::move(commands_and_tokens.begin(), commands_and_tokens.end(), std::back_inserter(published_));
    }
    look_no_later_than(Clock::now() + options_.look_every);
}

void EngineLoop::announced(std::vector<std::int64_t> announcement_ids) {
    {
        std::lock_guard lock(mutex_);
        announced_.insert(announced_.end(), announcement_ids.begin(), announcement_ids.end());
    }
    look_no_later_than(Clock::now() + options_.look_every);
}

void EngineLoop::look_soon() {
    look_no_later_than(Clock::now());
}

void EngineLoop::look_no_later_than(Clock::time_point at) {
    if (!options_.looks) return;
    {
        std::lock_guard lock(mutex_);
        if (at >= next_look_) return;
        next_look_ = at;
    }
    wake_.notify_one();
}

std::chrono::milliseconds EngineLoop::silence() const {
    Clock::time_point last{Clock::duration(last_round_.load())};
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last);
}

void EngineLoop::run() {
    if (options_.nice < 0) runtime::go_before_others(options_.nice);
    while (true) {
        {
            std::unique_lock lock(mutex_);
            auto ready = [this] {
                return stopping_ || batch_at_ <= Clock::now() || !previews_.empty();
            };
            // After a failure of the store a pause comes first, whatever waits.
            if (failures_ > 0) {
                auto pause = std::min(longest_pause, first_pause * (1 << std::min(failures_, 6)));
                wake_.wait_for(lock, pause, [this] { return stopping_; });
            } else {
                // The next look may be brought forward meanwhile.
                while (!ready() && Clock::now() < next_look_)
                    wake_.wait_until(lock, std::min(next_look_, batch_at_));
            }
            if (stopping_) return;
        }
        try {
            round();
        } catch (const std::exception& error) {
            // A bug of ours: say so, keep the process and everything else alive.
            runtime::log_error("a round of the engine broke", {{"error", error.what()}});
            metrics_.counter("ordersaga_engine_broken_rounds_total", "Rounds of the engine that ended in an exception")
                .add();
            ++failures_;
            look_no_later_than(Clock::now());
        }
        give_up(false);
        last_round_ = Clock::now().time_since_epoch().count();
    }
}

void EngineLoop::round() {
    std::vector<std::pair<std::string, std::string>> published;
    std::vector<std::int64_t> announced;
    std::vector<api::PreviewRequest> previews;
    bool look = false;
    {
        std::lock_guard lock(mutex_);
        published.swap(published_);
        announced.swap(announced_);
        previews.swap(previews_);
        // Together with what was taken: who brings the look forward from here on has something that this one may miss.
        look = options_.looks && (engine_.more_due() || Clock::now() >= next_look_);
        if (look) next_look_ = Clock::now() + options_.look_at_rest_every;
    }
    for (const auto& [command, token] : published)
        engine_.command_published(command, token);
    for (std::int64_t id : announced)
        engine_.announcement_published(id);
    engine::EngineCounts before = engine_.counts();

    bool available = true;
    std::vector<Waiting> batch = take();
    if (!batch.empty()) {
        std::vector<engine::Input> inputs;
        inputs.reserve(batch.size());
        for (Waiting& waiting : batch)
            inputs.push_back(std::move(waiting.input));
        Clock::time_point oldest = batch.front().since;
        const Clock::time_point begun = Clock::now();
        available = engine_.run(inputs);
        if (available) measure(batch.size(), Clock::now() - begun);
        if (!available) {
            // What was not answered goes back to the front, as old as its oldest.
            std::vector<Waiting> back;
            for (engine::Input& input : inputs) {
                bool patient = std::holds_alternative<engine::OutcomeArrived>(input.content);
                back.push_back({std::move(input), oldest, patient});
            }
            std::lock_guard lock(mutex_);
            queue_.put_back(std::move(back));
            batch_at_ = Clock::now();
        }
    }
    // A batch may have stored what comes due before anything that the last look has found.
    if (!batch.empty()) look_no_later_than(Clock::now() + options_.look_every);
    if (available && (look || (options_.looks && engine_.more_due()))) {
        available = engine_.run_due();
        if (engine_.more_due()) look_no_later_than(Clock::now());
        if (auto due = engine_.due_in()) look_no_later_than(Clock::now() + std::max(*due, runtime::Duration(0)));
    }
    // Only a look can tell that the database is there again when nothing waits for it.
    if (!available) look_no_later_than(Clock::now());
    for (api::PreviewRequest& request : previews) {
        try {
            request.done(engine_.preview(request.saga, request.event));
        } catch (const std::invalid_argument& fault) {
            request.done(runtime::Error{runtime::ErrorKind::not_found, fault.what()});
        } catch (const engine::StoreUnavailable& fault) {
            request.done(runtime::Error{runtime::ErrorKind::unavailable, fault.what()});
        } catch (const std::exception& fault) {
            request.done(runtime::Error{runtime::ErrorKind::broken, fault.what()});
        }
    }
    if (!available && failures_ == 0) runtime::log_warn("the database is not available; everything waits", {});
    if (available && failures_ > 0) runtime::log_info("the database is available again", {});
    failures_ = available ? 0 : failures_ + 1;
    available_ = available;
    report(before);
}

// A batch that took all there was may be slow for being small, and tells only that full ones go no slower. That has to count:
// at a slow pace so little is taken that no batch is full any more.
void EngineLoop::measure(std::size_t inputs, Clock::duration took) {
    const double rate = static_cast<double>(inputs) / std::max(1e-6, std::chrono::duration<double>(took).count());
    std::lock_guard lock(mutex_);
    const bool tells_more = inputs_per_s_ > 0 && rate > inputs_per_s_;
    if (inputs < options_.batch_limit && !tells_more) return;
    inputs_per_s_ = inputs_per_s_ == 0 ? rate : 0.8 * inputs_per_s_ + 0.2 * rate;
}

std::vector<EngineLoop::Waiting> EngineLoop::take() {
    std::lock_guard lock(mutex_);
    std::vector<Waiting> taken = queue_.take(options_.batch_limit);
    batch_at_ = queue_.empty() ? Clock::time_point::max() : Clock::now();
    return taken;
}

void EngineLoop::give_up(bool all) {
    std::vector<Waiting> given_up;
    {
        std::lock_guard lock(mutex_);
        Clock::time_point limit = Clock::now() - options_.give_up_after;
        given_up =
            queue_.take_if([&](const Waiting& waiting) { return all || (!waiting.patient && waiting.since < limit); });
    }
    for (Waiting& waiting : given_up) {
        if (waiting.input.done) waiting.input.done(unavailable());
    }
    if (!all) return;
    std::vector<api::PreviewRequest> previews;
    {
        std::lock_guard lock(mutex_);
        previews.swap(previews_);
    }
    for (api::PreviewRequest& request : previews) {
        request.done(runtime::Error{runtime::ErrorKind::unavailable, "the service is stopping"});
    }
}

void EngineLoop::report(const engine::EngineCounts& before) {
    const engine::EngineCounts& now = engine_.counts();
    auto count = [&](const char* name, const char* help, std::uint64_t was, std::uint64_t is) {
        if (is != was) metrics_.counter(name, help).add(static_cast<double>(is - was));
    };
    count("ordersaga_batches_total", "Committed batches", before.batches, now.batches);
    count("ordersaga_inputs_total", "Inputs in committed batches", before.inputs, now.inputs);
    count("ordersaga_events_total", "Events decided", before.events, now.events);
    count("ordersaga_commands_sent_total", "Attempts handed to the broker", before.commands_sent, now.commands_sent);
    count(
        "ordersaga_commands_repeated_total", "Publishes repeated by the relay", before.commands_repeated,
        now.commands_repeated);
    count(
        "ordersaga_stale_inputs_total", "Repeated or late inputs that changed nothing", before.stale_outcomes,
        now.stale_outcomes);
    count("ordersaga_parked_total", "Inputs parked with a reason", before.parked, now.parked);
    count("ordersaga_batch_splits_total", "Batches split because of one input", before.splits, now.splits);
    count(
        "ordersaga_store_retries_total", "Transactions the database told us to repeat", before.store_retries,
        now.store_retries);
}

}  // namespace ordersaga
