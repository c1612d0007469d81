#include "tests/simulation/meddling.hpp"

namespace ordersaga::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// "eu #1007": which order of which shop.
struct Subject {
    Shop* shop = nullptr;
    std::string order;
};

Subject subject_of(World& world, const std::string& text) {
    const std::size_t blank = text.find(' ');
    for (const auto& shop : world.shops()) {
        if (text.compare(0, blank, shop->key()) != 0) continue;
        for (const auto& [id, order] : shop->orders()) {
            if (text.compare(blank + 1, std::string::npos, order.document.name) == 0) return {shop.get(), id};
        }
    }
    return {};
}

// What has become of the newest part of an order that has grown; empty: it has not.
std::string stage_of(const engine::SagaRow& saga) {
    const auto& fulfillments = saga.data.at("fulfillments");
    if (fulfillments.empty() || fulfillments.back().at("part").get<int>() < 2) return {};
    return fulfillments.back().at("state").get<std::string>();
}

}  // namespace

Meddling::Meddling(World& world, People& people) : world_(world), people_(people) {
    world_.set_onlooker([this](const engine::SagaChange& change) { see(change); });
    world_.set_level_onlooker([this] { see_level(); });
}

void Meddling::see_level() {
    if (levels_left_ == 0 || !levels_->chance(0.3)) return;
    --levels_left_;
    world_.agenda().after(levels_->time_between(milliseconds(30), milliseconds(500)), [this] {
        if (world_.weather().calm()) return;
        for (const auto& [key, saga] : world_.tables().sagas) {
            if (saga.state != "Reserved") continue;
            const engine::SagaKey held = key;
            world_.tell(held, {"HoldPlaced", {{"reason", "a look at it"}}, "operator"});
            world_.agenda().after(levels_->time_between(milliseconds(30), milliseconds(200)), [this, held] {
                world_.tell(held, {"HoldReleased", {{"reason", "operator"}}, "operator"});
            });
        }
    });
}

void Meddling::see(const engine::SagaChange& change) {
    for (Habit& habit : habits_) {
        if (habit.times == 0 || habit.state != change.state || !habit.draw->chance(0.4)) continue;
        const Subject subject = subject_of(world_, change.subject);
        if (subject.shop == nullptr) continue;
        --habit.times;
        soon(habit.deed, *subject.shop, subject.order, habit.draw);
    }
    for (Story& story : stories_)
        go_on(story, change);
}

void Meddling::go_on(Story& story, const engine::SagaChange& change) {
    if (story.acts.empty()) return;
    const std::string& name = story.shop->orders().at(story.order).document.name;
    if (change.subject != story.shop->key() + " " + name) return;
    const std::string& awaited = story.acts.back().stage;
    if (awaited != change.state) {
        const engine::SagaRow* saga = world_.tables().sagas.find(change.key);
        const std::string stage = saga == nullptr ? "" : stage_of(*saga);
        if (stage.empty() || (!awaited.empty() && stage != awaited)) return;
    }
    const Deed deed = story.acts.back().deed;
    story.acts.pop_back();
    soon(deed, *story.shop, story.order, story.draw);
}

void Meddling::soon(Deed deed, Shop& shop, const std::string& order, const Drawn& draw) {
    const Duration most = draw->chance(0.4)   ? Duration(milliseconds(30))
                          : draw->chance(0.5) ? Duration(seconds(1))
                                              : Duration(seconds(10));
    world_.agenda().after(draw->time_between(Duration{0}, most), [this, deed, &shop, order, draw] {
        // Nothing of this kind in the calm: then everything has to settle.
        if (!world_.weather().calm()) people_.act(deed, shop, order, *draw);
    });
}

}  // namespace ordersaga::simulation
