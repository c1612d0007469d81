// Every state that a model can reach. A state is remembered by 128 bits of its canonical form, the whole world only while it
// waits to be expanded. Breadth first the first violation found has a shortest story; depth first few worlds wait at a time,
// so that the number of states is not bounded by what they weigh.
//
// A model offers: `World` (a value), `Digest digest(const World&)`, `void expand(const World&, Steps<World>&)` which emits
// every next world with the name of its step, and `std::string fault(const World&)`, empty when all laws hold.
// An exception out of a step is a fault of that step.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ordersaga::model {

struct Digest {
    std::uint64_t low = 0x9e3779b97f4a7c15ULL, high = 0xc2b2ae3d27d4eb4fULL;

    void add(std::uint64_t value) {
        low = mixed(low ^ value);
        high = mixed(high + value * 0xff51afd7ed558ccdULL + 1);
    }
    void add(const std::string& text) {
        add(text.size());
        std::uint64_t word = 0;
        int filled = 0;
        for (char one : text) {
            word = word << 8 | static_cast<unsigned char>(one);
            if (++filled == 8) {
                add(word);
                word = 0;
                filled = 0;
            }
        }
        if (filled > 0) add(word);
    }
    bool operator==(const Digest&) const = default;

private:
    static std::uint64_t mixed(std::uint64_t value) {
        value ^= value >> 32;
        value *= 0xd6e8feb86659fd93ULL;
        value ^= value >> 29;
        value *= 0x94d049bb133111ebULL;
        return value ^ value >> 32;
    }
};

struct DigestHash {
    std::size_t operator()(const Digest& digest) const { return digest.low; }
};

template <class World>
using Steps = std::function<void(const std::string& name, World next)>;

struct Exploration {
    std::uint64_t states = 0, transitions = 0;
    int depth = 0;
    bool complete = false;           // false: a law was broken, or the limit was reached
    std::string fault;               // of the first state that breaks a law
    std::vector<std::string> story;  // the shortest way to it
    std::map<std::string, std::uint64_t>
        taken;  // how often each kind of step was taken: the name up to its first digit

    std::string told() const {
        std::string text = fault.empty() ? "no law is broken" : fault;
        for (std::size_t i = 0; i < story.size(); ++i)
            text += "\n  " + std::to_string(i + 1) + ". " + story[i];
        return text;
    }
};

enum class Sequence { breadth_first, depth_first };

template <class Model>
Exploration explore(const Model& model, typename Model::World start, std::uint64_t limit, Sequence sequence) {
    using World = typename Model::World;
    struct Node {
        std::uint32_t parent;
        std::uint32_t step;
    };
    Exploration result;
    std::unordered_map<Digest, std::uint32_t, DigestHash> seen;
    std::vector<Node> nodes;
    std::unordered_map<std::string, std::uint32_t> numbers;
    std::vector<std::string> names;
    struct Waiting {
        World world;
        std::uint32_t number;
        int depth;
    };
    std::deque<Waiting> waiting;

    const auto tell = [&](std::uint32_t node, const std::string& fault) {
        if (!result.fault.empty()) return;
        result.fault = fault;
        for (; node != 0; node = nodes[node].parent)
            result.story.insert(result.story.begin(), names[nodes[node].step]);
    };
    const auto number_of = [&](const std::string& name) {
        const auto [found, is_new] = numbers.emplace(name, static_cast<std::uint32_t>(names.size()));
        if (is_new) names.push_back(name);
        return found->second;
    };
    seen.emplace(model.digest(start), 0);
    nodes.push_back({0, 0});
    if (const std::string fault = model.fault(start); !fault.empty()) tell(0, fault);
    waiting.push_back({std::move(start), 0, 0});
    std::size_t told_of = 0;
    while (!waiting.empty() && result.fault.empty() && seen.size() < limit) {
        if (seen.size() - told_of >= 1'000'000) {
            told_of = seen.size();
            std::printf("  %zu million states, %zu worlds wait\n", told_of / 1'000'000, waiting.size());
            std::fflush(stdout);
        }
        const bool newest = sequence == Sequence::depth_first;
        Waiting from = std::move(newest ? waiting.back() : waiting.front());
        newest ? waiting.pop_back() : waiting.pop_front();
        result.depth = std::max(result.depth, from.depth);
        Steps<World> take = [&](const std::string& name, World next) {
            ++result.transitions;
            ++result.taken[name.substr(0, name.find_first_of("0123456789"))];
            const auto [found, is_new] = seen.emplace(model.digest(next), static_cast<std::uint32_t>(nodes.size()));
            if (!is_new) return;
            nodes.push_back({from.number, number_of(name)});
            const std::string fault = model.fault(next);
            if (!fault.empty()) tell(found->second, fault);
            waiting.push_back({std::move(next), found->second, from.depth + 1});
        };
        try {
            model.expand(from.world, take);
        } catch (const std::exception& error) {
            tell(from.number, std::string("a step from here throws: ") + error.what());
        }
    }
    result.states = seen.size();
    result.complete = waiting.empty() && result.fault.empty();
    return result;
}

}  // namespace ordersaga::model
