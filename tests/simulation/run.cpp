#include "tests/simulation/run.hpp"

#include "tests/simulation/judge.hpp"
#include "tests/simulation/table_rows.hpp"

#include <algorithm>

namespace ordersaga::simulation {

namespace {

// Without numbers and without what follows a bracket: what kind of incident it is.
std::string kind_of(const std::string& cause) {
    std::string kind;
    for (const char letter : cause.substr(0, cause.find_first_of("[{"))) {
        const bool digit = letter >= '0' && letter <= '9';
        if (!digit) kind += letter;
        if (digit && (kind.empty() || kind.back() != '#')) kind += '#';
    }
    return kind.substr(0, kind.find_last_not_of(" :") + 1);
}

void count(const World& world, Result& result) {
    const sim::SimTables& tables = world.tables();
    for (const auto& [key, saga] : tables.sagas)
        ++result.states[saga.state];
    for (const auto& [number, incident] : tables.incidents)
        ++result.incidents[kind_of(incident.row.cause)];
    for (const auto& shop : world.shops())
        result.orders += shop->orders().size();
    result.shops = world.shops().size();
    result.engines = world.hosts().size();
    result.workers = world.workers().size();
    result.faults = world.weather().counts();
    result.boundaries = world.weather().boundaries();
    result.rows.assign(sagas::OrderSaga::table().size(), 0);
    for (const auto& [number, step] : tables.history) {
        if (const auto row = row_of(step)) ++result.rows[*row];
    }
}

void tell_of(World& world) {
    const sim::SimTables& tables = world.tables();
    for (const auto& [number, step] : tables.history) {
        world.trace().line(
            runtime::format_rfc3339(step.at) + " " + tables.sagas.at(step.key).subject + " " + step.from_state + " -" +
            step.event + "-> " + step.to_state + " (" + step.cause + ") " + step.note);
    }
    for (const auto& [number, movement] : tables.movements) {
        std::string text = runtime::format_rfc3339(movement.at) + " sku " + std::to_string(movement.key.sku_id.value) +
                           " " + movement.kind + " by " + movement.cause;
        const auto add = [&text](const char* name, std::int64_t units) {
            if (units != 0) text += " " + std::string(name) + (units > 0 ? "+" : "") + std::to_string(units);
        };
        add("on_hand", movement.on_hand);
        add("available", movement.available);
        add("reserved", movement.reserved);
        add("committed", movement.committed);
        add("unavailable", movement.unavailable);
        add("returning", movement.returning);
        add("short", movement.short_by);
        world.trace().line(text + " " + movement.note);
    }
    for (const auto& [key, saga] : tables.sagas)
        world.trace().line(saga.subject + " " + saga.state + " " + key.saga_id + " " + saga.data.dump());
}

}  // namespace

Result run(const Options& options, bool print, const World::MakeGround& make_ground) {
    Result result;
    Scenario scenario(options, print, make_ground);
    World& world = scenario.world();
    scenario.run();
    result.violations = world.violations();
    for (std::string& violation : judge(world))
        result.violations.push_back(std::move(violation));
    result.trace_hash = world.trace().hash();
    result.drawn = scenario.text();
    result.events = scenario.events();
    result.virtual_time = world.agenda().now() - World::start_time;
    count(world, result);
    if (!print) return result;
    tell_of(world);
    for (const std::string& violation : result.violations)
        world.trace().line("VIOLATION " + violation);
    return result;
}

std::uint64_t trace_hash_of(const Options& options) {
    Scenario scenario(options);
    for (const auto& host : scenario.world().hosts())
        host->check_events(false);
    scenario.run();
    return scenario.world().trace().hash();
}

std::string law_of(const Result& result) {
    if (result.violations.empty()) return {};
    const std::string& first = result.violations.front();
    return first.substr(0, first.find(' '));
}

Options shrink(const Options& failing, const Result& result, const std::function<void(const Options&)>& tell) {
    const std::string law = law_of(result);
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < fault_count; ++i)
        parts.emplace_back(fault_kinds[i].name);
    for (int event = 1; event <= result.events; ++event)
        parts.push_back("e" + std::to_string(event));
    std::erase_if(parts, [&](const std::string& part) { return failing.lacks(part); });

    Options smallest = failing;
    const auto still_fails_without = [&](const std::vector<std::string>& more) {
        Options fewer = smallest;
        fewer.without.insert(more.begin(), more.end());
        if (law_of(run(fewer)) != law) return false;
        smallest = fewer;
        tell(smallest);
        return true;
    };
    // Halves first, then quarters, ...; at the end each by itself, again and again until none can go.
    for (std::size_t size = std::max<std::size_t>(1, parts.size() / 2);;) {
        bool dropped = false;
        for (std::size_t from = 0; from < parts.size();) {
            const auto begin = parts.begin() + static_cast<std::ptrdiff_t>(from);
            const auto end = parts.begin() + static_cast<std::ptrdiff_t>(std::min(from + size, parts.size()));
            if (still_fails_without({begin, end})) {
                parts.erase(begin, end);
                dropped = true;
            } else {
                from += size;
            }
        }
        if (size == 1 && !dropped) return smallest;
        if (size > 1) size = (size + 1) / 2;
    }
}

}  // namespace ordersaga::simulation
