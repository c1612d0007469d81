#include "sandbox/demo/driver.hpp"

#include "runtime/json.hpp"
#include "sandbox/demo/progress.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds tick{20};
constexpr milliseconds ledger_every{200};

json lines_of(const PlannedOrder& order) {
    json lines = json::array();
    for (const PlannedLine& line : order.lines)
        lines.push_back({{"sku", line.sku}, {"quantity", line.quantity}});
    return lines;
}

}  // namespace

Driver::Driver(System& system, const FaultProfile& profile, std::uint64_t seed, double orders_per_second)
    : system_(system), profile_(profile), random_(seed ^ 0x647269766572ULL), orders_per_second_(orders_per_second) {}

void Driver::place(std::vector<Moment> plan, Progress& progress) {
    begin(std::move(plan));
    while (step(progress))
        runtime::pause(tick);
}

void Driver::begin(std::vector<Moment> plan) {
    plan_ = std::move(plan);
    for (const Moment& moment : plan_)
        orders_ += moment.size();
    begin_ = steady_clock::now();
}

bool Driver::step(Progress& progress) {
    const double length = std::max(profile_.shortest_seconds, static_cast<double>(orders_) / orders_per_second_);
    const double passed = std::chrono::duration<double>(steady_clock::now() - begin_).count() / length;
    while (next_moment_ < plan_.size() &&
           static_cast<double>(placed_.size()) <= passed * static_cast<double>(orders_)) {
        place_moment(plan_[next_moment_++]);
    }
    // One server at a time: the next may go only when the last is back.
    if (next_mishap_ < profile_.mishaps.size() && profile_.mishaps[next_mishap_].at <= passed && !system_.restarting())
        cause(profile_.mishaps[next_mishap_++]);
    system_.supervise();
    follow_up();
    progress.show(placed_.size(), orders_);
    return next_moment_ < plan_.size() || next_mishap_ < profile_.mishaps.size();
}

// All orders of a moment in one call: the shops take them before any webhook has gone out.
void Driver::place_moment(const Moment& moment) {
    json wishes = json::array();
    for (const PlannedOrder& order : moment) {
        json wish = {{"store", system_.catalogue().shops.at(order.shop).domain}, {"lines", lines_of(order)}};
        if (order.change == Change::pay_later) wish["paid"] = false;
        if (order.oversell) wish["oversell"] = true;
        wishes.push_back(std::move(wish));
    }
    const json answer = system_.control("POST", "/control/bulk", {{"orders", std::move(wishes)}});
    Moment instead;
    for (std::size_t index = 0; index < moment.size(); ++index) {
        const json& result = answer.at("results").at(index);
        if (result.at("status") == 201) {
            remember(moment[index], result);
        } else if (result.at("status") == 409) {
            ++refused_by_stores_;
            instead.push_back(ordinary_order(system_.catalogue(), moment[index].shop, random_));
        } else {
            throw std::runtime_error("the sandbox does not take an order: " + result.dump());
        }
    }
    if (!instead.empty()) place_moment(instead);
}

void Driver::remember(PlannedOrder plan, const json& order) {
    PlacedOrder placed{std::move(plan), order.at("id"), order.at("name")};
    const std::size_t index = placed_.size();
    if (placed.plan.change == Change::cancel_when_requested) {
        when_requested_.emplace(placed.key(system_.catalogue()), index);
    } else if (placed.plan.change != Change::none) {
        later_.emplace(steady_clock::now() + milliseconds(placed.plan.change_after_ms), index);
    }
    placed_.push_back(std::move(placed));
}

void Driver::cause(const Mishap& mishap) {
    if (mishap.kind == Mishap::Kind::outage) {
        system_.control(
            "POST", "/control/outages",
            {{"peer", mishap.subject}, {"seconds", mishap.seconds}, {"mode", random_.chance(0.5) ? "reset" : "503"}});
    } else {
        system_.kill(mishap.subject);
    }
    mishaps_done_.push_back(mishap);
}

void Driver::follow_up() {
    while (!later_.empty() && later_.begin()->first <= steady_clock::now()) {
        const std::size_t index = later_.begin()->second;
        later_.erase(later_.begin());
        change(placed_[index]);
    }
    if (steady_clock::now() - ledger_read_at_ >= ledger_every) {
        read_ledger();
        ledger_read_at_ = steady_clock::now();
    }
}

void Driver::read_ledger() {
    const json page = system_.control("/control/ledger?limit=10000&after=" + std::to_string(ledger_read_to_));
    ledger_read_to_ = page.at("next_after");
    for (const json& effect : page.at("effects")) {
        effects_.push_back(effect);
        if (effect.at("kind") != "warehouse_order_created") continue;
        const std::string reference = effect.at("reference");
        const auto waiting = std::find_if(when_requested_.begin(), when_requested_.end(), [&](const auto& entry) {
            return reference.starts_with(entry.first + ".");
        });
        if (waiting == when_requested_.end()) continue;
        const std::size_t index = waiting->second;
        when_requested_.erase(waiting);
        change(placed_[index]);
    }
}

json Driver::wanted_lines(const PlacedOrder& order, std::int64_t difference) const {
    json lines = lines_of(order.plan);
    lines[0]["quantity"] = lines[0]["quantity"].get<std::int64_t>() + difference;
    return {{"lines", std::move(lines)}};
}

void Driver::change(const PlacedOrder& order) {
    const std::string path =
        "/control/stores/" + system_.catalogue().shops.at(order.plan.shop).domain + "/orders/" + order.order_id;
    json body = json::object();
    std::string action;
    switch (order.plan.change) {
        case Change::none: return;
        case Change::cancel_at_once:
        case Change::cancel_when_requested: action = "/cancel"; break;
        case Change::pay_later: action = "/pay"; break;
        case Change::edit_up:
        case Change::edit_down:
            action = "/edit";
            body = wanted_lines(order, order.plan.change == Change::edit_up ? 1 : -1);
            break;
        case Change::refund_part:
            action = "/refund";
            body = {
                {"lines",
                 json::array({{{"sku", order.plan.lines.front().sku}, {"quantity", 1}, {"restock_type", "cancel"}}})}};
            break;
    }
    // A shop may say no (409): shipped meanwhile, or nothing left to add.
    const System::Answer answer = system_.control_raw("POST", path + action, runtime::dump_json(body));
    if (answer.status / 100 != 2 && answer.status != 409) {
        throw std::runtime_error(
            "sandbox: " + path + action + " gave " + std::to_string(answer.status) + " " + answer.body);
    }
}

}  // namespace ordersaga::demo
