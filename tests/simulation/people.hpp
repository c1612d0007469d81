// What may befall one order at any moment, by whoever: its buyer, the shop's staff, an operator, the warehouse's people.
// Each of them acts on what they see and knows nothing of sagas; whether it is still possible their own system says.
#pragma once

#include "tests/simulation/draw.hpp"
#include "tests/simulation/world.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::simulation {

enum class Deed {
    // Buyers and staff, in the shop.
    pays,
    cancels,
    takes_back,           // a refund of one unit of the first line
    takes_addition_back,  // ... of the last line, which was added
    adds,
    adds_beyond_stock,
    sends_elsewhere,
    // Operators.
    holds,
    lets_go,
    ends,
    retries,
    // The warehouse.
    loses,  // it cancels what it was asked for
    gets_into_trouble,
    refuses,  // the next that it is asked for
    count
};

inline constexpr std::size_t deed_count = static_cast<std::size_t>(Deed::count);
const char* name_of(Deed deed);

class People {
public:
    explicit People(World& world) : world_(world) {}

    using Basket = std::vector<std::pair<std::string, std::int64_t>>;
    // What somebody wants of what a shop sells.
    Basket basket(const Shop& shop, Draw& draw) const;
    void act(Deed deed, Shop& shop, const std::string& order, Draw& draw);
    // To the saga of this order, if there is one yet.
    void tell(const Shop& shop, const std::string& order, sagas::Event event);
    // Of an order that the warehouse has, or of any that it has: it cancels one, or must look after one.
    void misfortune(Fault fault, const std::string& prefix, Draw& draw);

private:
    World& world_;
};

// "eu.9100000000000001.": how references of an order begin.
std::string prefix_of(const Shop& shop, const std::string& order);

}  // namespace ordersaga::simulation
