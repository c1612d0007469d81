// Recurring duties: what they ask for, and what becomes of the answers.

#include "orchestrator/orders/order_session.hpp"
#include "runtime/json.hpp"
#include "runtime/planted.hpp"
#include "sagas/activities.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::orders {

using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

constexpr std::size_t unreadable_remembered = 200;
// A few orders that a poll finds are read at once. Thousands are those whose webhooks were turned away, or are late: read as fast as
// a store tells them, they would overwhelm the engine as their webhooks have. So a poll rests between pages of them: 20 orders a
// second, which is more than a store's budget for reading is worth.
constexpr std::size_t page_of_news = 50;
constexpr std::chrono::milliseconds rest_between_pages{2'500};

std::int64_t id_in(const std::string& subject) {
    std::size_t colon = subject.rfind(':');
    return colon == std::string::npos ? 0 : std::stoll(subject.substr(colon + 1));
}

std::string subject_of(const std::string& duty) {
    std::size_t slash = duty.find('/');
    return slash == std::string::npos ? std::string() : duty.substr(slash + 1);
}

std::optional<Instant> instant_in(const json& document, const char* key) {
    auto found = document.find(key);
    if (found == document.end() || !found->is_string()) return std::nullopt;
    auto parsed = runtime::parse_rfc3339(found->get<std::string>());
    return parsed ? std::optional<Instant>(*parsed) : std::nullopt;
}

// Empty when the peer told none.
const json& list_in(const json& payload, const char* key) {
    static const json none = json::array();
    const auto found = payload.find(key);
    return found == payload.end() ? none : *found;
}

std::vector<std::size_t> indices_in(const json& payload, const char* key) {
    std::vector<std::size_t> indices;
    for (const json& index : list_in(payload, key))
        indices.push_back(index.get<std::size_t>());
    return indices;
}

// A list of texts as one.
std::string sentence_of(const json& payload, const char* key) {
    std::string sentence;
    for (const json& text : list_in(payload, key))
        sentence += (sentence.empty() ? "" : "; ") + text.get<std::string>();
    return sentence;
}

// What cannot be read may be about any listing.
bool read_all(const Outcome& outcome) {
    return outcome.kind == OutcomeKind::done && !outcome.payload.contains("unreadable");
}

bool goes_on_reading(std::string_view duty, const Outcome& outcome) {
    return duty == duty::quiet_reads && read_all(outcome) && outcome.payload.contains("after");
}

}  // namespace

// Read without a lock: an older watermark only asks for more.
std::optional<Instant> OrderSession::watermark_of_polls(MerchantId merchant, const std::string& subject) {
    for (const engine::DutyRow& row :
         transaction_.read_duties({{merchant, std::string(duty::poll_orders) + "/" + subject}})) {
        return instant_in(row.memory, "watermark");
    }
    return std::nullopt;
}

engine::DutyRow OrderSession::duty_row(MerchantId merchant, const std::string& duty, const std::string& subject) {
    std::string name = duty + "/" + subject;
    auto known = locked_duties_.find({merchant, name});
    if (known != locked_duties_.end()) return known->second;
    std::vector<engine::DutyRow> rows = transaction_.lock_duties({{merchant, name}});
    if (!rows.empty()) return rows.front();
    engine::DutyRow row;
    row.merchant = merchant;
    row.duty = duty;
    row.subject = subject;
    row.next_due = batch_.now();
    return row;
}

void OrderSession::keep_duty(engine::DutyRow row) {
    std::pair<MerchantId, std::string> name{row.merchant, row.duty + "/" + row.subject};
    locked_duties_.insert_or_assign(name, row);
    duties_.insert_or_assign(name, std::move(row));
}

void OrderSession::call_duty(MerchantId merchant, const std::string& duty, const std::string& subject) {
    engine::DutyRow row = duty_row(merchant, duty, subject);
    // While its command is under way the call is remembered: what happened meanwhile wants another look.
    if (!row.command_id.empty()) row.memory["again"] = true;
    row.next_due = std::min(row.next_due, batch_.now());
    keep_duty(std::move(row));
}

const std::string& OrderSession::recovery_of(MerchantId merchant) {
    static const std::string none;
    const std::vector<StoreRow>& stores = world(merchant).stores;
    return stores.empty() ? none : stores.front().recovery;
}

bool OrderSession::catches_up(MerchantId merchant) {
    const std::string& stage = recovery_of(merchant);
    return !stage.empty() && stage != "caught_up";
}

// After a restore peers are asked in this sequence: what the warehouses have must be known before their stock is read, and both
// before an order is decided.
bool OrderSession::may_ask(MerchantId merchant, const std::string& duty) {
    const std::string& stage = recovery_of(merchant);
    if (runtime::planted("restored_asks_out_of_turn")) return true;
    if (stage == "settling") return false;
    if (stage == "warehouse") return duty == duty::poll_fulfillments;
    if (stage == "stock") return duty == duty::poll_fulfillments || duty == duty::read_warehouse_stock;
    return true;
}

// One question for all stores whose turn it is. Most often none of them has anything to read: then nothing more is asked.
OrderSession::ToRead OrderSession::claim_what_to_read(const std::vector<engine::DutyRow>& due) {
    std::map<MerchantId, std::vector<std::pair<StoreId, ListingId>>> stores;
    for (const engine::DutyRow& row : due) {
        if (row.duty != duty::quiet_reads || !row.command_id.empty()) continue;
        stores[row.merchant].emplace_back(
            StoreId{id_in(row.subject)}, ListingId{row.memory.value("read_to", std::int64_t{0})});
    }
    ToRead found;
    for (const auto& [merchant, turns] : stores) {
        for (ListingRow& listing : rows_.claim_listings_to_read(
                 merchant, turns, batch_.now() - settings_.hint_settles_after, settings_.quiet_read_limit)) {
            const std::string subject = "store:" + std::to_string(listing.store_id.value);
            found[{merchant, subject}].push_back(std::move(listing));
        }
    }
    return found;
}

void OrderSession::perform(const std::vector<engine::DutyRow>& due) {
    ToRead to_read = claim_what_to_read(due);
    for (const engine::DutyRow& row : due)
        perform(row, to_read[{row.merchant, row.subject}]);
}

void OrderSession::perform(engine::DutyRow row, const std::vector<ListingRow>& to_read) {
    Instant now = batch_.now();
    std::int64_t id = id_in(row.subject);
    const bool still = row.duty == duty::quiet_reads && to_read.empty();
    const StoreRow* from = !still && row.subject.starts_with("store:") ? store(row.merchant, {id}) : nullptr;
    const WarehouseRow* stocked = row.subject.starts_with("warehouse:") ? warehouse(row.merchant, {id}) : nullptr;
    bool active = (from != nullptr && from->status == "active") || (stocked != nullptr && stocked->status == "active");

    sagas::Command command;
    command.lane = row.subject;
    command.idempotency_key = row.duty + ":" + std::to_string(now.time_since_epoch().count());
    Duration every = std::chrono::minutes(10);
    bool ask = active && row.command_id.empty() && may_ask(row.merchant, row.duty);
    if (row.duty == duty::poll_orders) {
        every = settings_.poll_orders_every;
        command.activity = sagas::activity::poll_orders;
        if (ask) {
            Instant since = instant_in(row.memory, "watermark").value_or(followed_from(*from));
            command.payload = {
                {"store", from->key},
                {"orders_since",
                 runtime::format_rfc3339(std::max(followed_from(*from), since - settings_.poll_orders_overlap))},
                {"stamps", true}};
            // The rest of a poll that did not fit: the same question from the store's cursor. With the overlap taken off
            // again, a burst larger than one answer would be read for ever.
            if (row.memory.contains("after")) {
                command.payload["orders_since"] = row.memory.at("orders_since");
                command.payload["after"] = row.memory.at("after");
            }
        }
    } else if (row.duty == duty::read_warehouse_stock) {
        every = settings_.read_stock_every;
        command.activity = sagas::activity::read_warehouse_stock;
        if (ask) {
            command.payload = {
                {"warehouse", stocked->key}, {"asked_at", runtime::format_rfc3339(now)}, {"items", json::array()}};
        }
    } else if (row.duty == duty::poll_fulfillments) {
        every = settings_.poll_fulfillments_every;
        command.activity = sagas::activity::poll_fulfillments;
        if (ask) {
            Instant since = instant_in(row.memory, "watermark").value_or(now - std::chrono::hours(24));
            Duration overlap = row.memory.value("goes_on", false) ? Duration(0) : settings_.poll_fulfillments_overlap;
            command.payload = {
                {"warehouse", stocked->key}, {"changed_since", runtime::format_rfc3339(since - overlap)}};
            if (row.memory.contains("told_to")) command.payload["told_to"] = row.memory.at("told_to");
        }
    } else if (row.duty == duty::quiet_reads) {
        every = settings_.quiet_reads_every;
        command.activity = sagas::activity::quiet_read;
        if (still && row.command_id.empty()) row.memory.erase("read_to");
        ask = ask && !still;
        if (ask) {
            std::vector<ListingRow> listings = to_read;
            // One that cannot be read for now must not keep the others from their turn: the next page goes on behind this one.
            if (listings.size() == settings_.quiet_read_limit) {
                row.memory["read_to"] = listings.back().listing_id.value;
            } else {
                row.memory.erase("read_to");
            }
            json items = json::array();
            json learned = json::object();
            for (const ListingRow& listing : listings) {
                std::string key = std::to_string(listing.listing_id.value);
                items.push_back(
                    {{"listing_id", key},
                     {"inventory_item_id", listing.inventory_item_id},
                     {"location_id", listing.location_id}});
                learned[key] = listing.learned;
            }
            // As far back as every poll of the orders: the store's list may be behind, and a sale that both readings
            // show and no poll has told would be taken off the belief twice.
            Instant since = watermark_of_polls(row.merchant, row.subject).value_or(followed_from(*from));
            command.payload = {
                {"store", from->key},
                {"listings", std::move(items)},
                {"learned", std::move(learned)},
                {"orders_since",
                 runtime::format_rfc3339(std::max(followed_from(*from), since - settings_.poll_orders_overlap))},
                {"stamps", true}};
            world(row.merchant).channels->mark_reading(std::move(listings));
        }
    } else if (row.duty == duty::check_subscriptions) {
        every = settings_.check_subscriptions_every;
        command.activity = sagas::activity::check_subscriptions;
        ask = ask && !from->webhook_url.empty();
        if (ask) {
            command.payload = {
                {"store", from->key}, {"address", from->webhook_url}, {"api_version", from->api_version}};
        }
    } else {
        ask = false;  // a duty that only owns commands is never due by itself
    }
    row.next_due = now + every;
    // A lane with more to write than its peer takes would hear nothing for as long.
    if (!row.command_id.empty() && !runtime::planted("reads_starve"))
        transaction_.hurry_duty_command(row.merchant, row.command_id);
    if (ask) {
        row.memory.erase("again");
        if (row.memory.contains("read_to")) row.memory["again"] = true;
        row.command_id = batch_.command_of_duty(row.merchant, row.duty + "/" + row.subject, command);
    }
    keep_duty(std::move(row));
}

void OrderSession::duty_ended(const engine::CommandRow& command, const Outcome& outcome, bool exhausted) {
    duty_ends_.push_back({command, outcome, exhausted});
}

// All duties of the batch at once, before anything of the participant is locked.
void OrderSession::lock_duties_of(const std::vector<const engine::Arrival*>& arrivals) {
    std::set<std::pair<MerchantId, std::string>> names;
    for (const DutyEnd& end : duty_ends_) {
        names.insert({end.command.merchant, end.command.duty});
        if (end.command.duty.starts_with(duty::check_subscriptions))
            names.insert({end.command.merchant, std::string(duty::poll_orders) + "/" + subject_of(end.command.duty)});
    }
    auto add = [&](MerchantId merchant, const char* duty, const char* of, std::int64_t id) {
        names.insert({merchant, std::string(duty) + "/" + of + ":" + std::to_string(id)});
    };
    for (const engine::Arrival* arrival : arrivals) {
        if (const auto* delivery = std::any_cast<Delivery>(&arrival->content)) {
            const ReceiptRow& receipt = delivery->receipt;
            if (receipt.source == "shipbob")
                add(receipt.merchant, duty::poll_fulfillments, "warehouse", receipt.store_id.value);
        } else if (const auto* order = std::any_cast<StoreSwitched>(&arrival->content)) {
            add(order->merchant, duty::poll_orders, "store", order->store_id.value);
            add(order->merchant, duty::quiet_reads, "store", order->store_id.value);
        } else if (const auto* mode = std::any_cast<StoreModeSet>(&arrival->content)) {
            add(mode->merchant, duty::poll_orders, "store", mode->store_id.value);
            add(mode->merchant, duty::quiet_reads, "store", mode->store_id.value);
        } else if (const auto* back = std::any_cast<ListingTakenBack>(&arrival->content)) {
            add(back->merchant, duty::quiet_reads, "store", back->store_id.value);
        }
    }
    if (names.empty()) return;
    for (engine::DutyRow& row : transaction_.lock_duties({names.begin(), names.end()})) {
        std::pair<MerchantId, std::string> name{row.merchant, row.duty + "/" + row.subject};
        locked_duties_.insert_or_assign(name, std::move(row));
    }
}

void OrderSession::end_duty(const DutyEnd& end) {
    const auto& [command, outcome, exhausted] = end;
    std::string name = command.duty.substr(0, command.duty.find('/'));
    if (name == duty::flush_stock) {
        ended_flush(command, outcome, exhausted);
        return;
    }
    if (name == duty::read_order) {
        ended_read_order(command, outcome);
        return;
    }
    engine::DutyRow row = duty_row(command.merchant, name, subject_of(command.duty));
    bool own = row.command_id == command.command_id;  // a read on demand shares the duty's name, not its turn
    if (WantedDocuments wanted = wanted_documents(command, outcome); own && !wanted.order_ids.empty()) {
        row.command_id = read_orders(command, outcome, std::move(wanted));
        keep_duty(std::move(row));
        take_orders(command, outcome);
        return;
    }
    if (own && goes_on_reading(name, outcome)) {
        row.command_id = read_on(command, outcome);
        keep_duty(std::move(row));
    } else if (own) {
        row.command_id.clear();
        if (row.memory.value("again", false)) row.next_due = batch_.now();
        if (outcome.kind == OutcomeKind::done) {
            for (const char* until : {"polled_until", "changed_until"}) {
                if (instant_in(outcome.payload, until)) row.memory["watermark"] = outcome.payload.at(until);
            }
            // An incomplete poll goes on at once from where it stopped.
            row.memory.erase("after");
            row.memory.erase("goes_on");
            row.memory.erase("told_to");
            if (!outcome.payload.value("complete", true) && !runtime::planted("rest_of_poll_lost")) {
                row.memory["goes_on"] = true;
                if (const auto told_to = runtime::get_text(outcome.payload, "told_to"))
                    row.memory["told_to"] = *told_to;
                if (outcome.payload.contains("after")) {
                    row.memory["after"] = outcome.payload.at("after");
                    row.memory["orders_since"] = command.payload.at("orders_since");
                }
                row.next_due = batch_.now();
            }
        } else {
            row.memory["last_failure"] = outcome.reason;
            row.memory.erase("after");  // a cursor may have died; the watermark has not
        }
        if (name == duty::check_subscriptions) ended_check_subscriptions(command, outcome, row);
        keep_duty(std::move(row));
    }
    if (name == duty::poll_orders) take_orders(command, outcome);
    if (name == duty::quiet_reads) ended_quiet_read(command, outcome);
    if (name == duty::read_warehouse_stock) ended_reading(command, outcome);
    if (name == duty::poll_fulfillments) ended_poll_fulfillments(command, outcome);
}

void OrderSession::ended_flush(const engine::CommandRow& command, const Outcome& outcome, bool exhausted) {
    FlushEnd end;
    end.merchant = command.merchant;
    end.store_id = {id_in(command.duty)};
    end.command_id = command.command_id;
    if (outcome.kind == OutcomeKind::done) {
        end.applied = indices_in(outcome.payload, "applied");
        end.uncertain = indices_in(outcome.payload, "uncertain");
        for (const json& row : list_in(outcome.payload, "refused")) {
            end.refused.emplace_back(
                row.at("index").get<std::size_t>(), row.value("code", "") + " " + row.value("message", ""));
        }
    } else {
        // Refused as a whole or never learned: what the store shows is in doubt until it was read quietly.
        end.unknown = true;
        std::string why = exhausted ? "its outcome was never learned: " : "the store refused it: ";
        batch_.open_incident(
            {command.merchant,
             "flush:" + command.duty,
             {},
             "a stock update failed",
             command.duty + ", " + why + outcome.reason});
    }
    if (outcome.kind == OutcomeKind::done) batch_.close_incident(command.merchant, "flush:" + command.duty);
    world(command.merchant).channels->flush_ended(std::move(end));
}

void OrderSession::take_orders(
    MerchantId merchant,
    StoreId store_id,
    const json& documents,
    const std::string& source) {
    PolledOrders polled;
    polled.merchant = merchant;
    polled.store_id = store_id;
    polled.source = source;
    for (const json& document : documents) {
        try {
            polled.orders.push_back(sagas::order_document_from_json(document));
        } catch (const std::invalid_argument& fault) {
            // Which order it is, if that much can be told; never whom it goes to.
            transaction_.park(
                merchant, "order", "store:" + std::to_string(store_id.value), fault.what(),
                {{"order_id", document.is_object() ? document.value("order_id", json()) : json()}});
        }
    }
    // The same order twice in one answer: the newer wins, both are merged.
    polled_.push_back(std::move(polled));
}

void OrderSession::take_orders(const engine::CommandRow& command, const Outcome& outcome) {
    if (outcome.kind != OutcomeKind::done) return;
    const bool polls = command.duty.starts_with(duty::poll_orders);
    take_orders(
        command.merchant, {id_in(command.duty)}, list_in(outcome.payload, "orders"),
        polls ? "poll of the store" : "quiet read");
    if (polls) park_unreadable(command, list_in(outcome.payload, "unreadable"));
}

// Of a list of stamps those orders that do not stand here as they do there, read without a lock: a document that came
// meanwhile is read once more for nothing. Or what one message had no room for.
OrderSession::WantedDocuments OrderSession::wanted_documents(
    const engine::CommandRow& command,
    const Outcome& outcome) {
    WantedDocuments wanted;
    if (outcome.kind != OutcomeKind::done || runtime::planted("news_of_a_list_not_read")) return wanted;
    if (command.duty.starts_with(duty::quiet_reads) && !read_all(outcome)) return wanted;  // it has failed already
    for (const json& order_id : list_in(outcome.payload, "unread"))
        wanted.order_ids.push_back(order_id.get<std::string>());
    const json& seen = list_in(outcome.payload, "seen");
    std::vector<OrderKey> keys;
    for (const auto& [order_id, stamp] : seen.items())
        keys.push_back({command.merchant, {id_in(command.duty)}, order_id});
    const std::vector<std::string> known = rows_.peek_stamps(keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const json& stamp = seen.at(keys[i].order_id);
        if (!known[i].empty() && stamp == known[i]) continue;
        if (wanted.order_ids.size() >= page_of_news) {
            wanted.later[keys[i].order_id] = stamp;
        } else {
            wanted.order_ids.push_back(keys[i].order_id);
        }
    }
    return wanted;
}

// The next step of what a duty's command has begun, with all that it was asked.
sagas::Command OrderSession::next_of(const engine::CommandRow& command, std::string_view activity) {
    sagas::Command next;
    next.activity = activity;
    next.lane = command.lane;
    next.idempotency_key = command.duty + ":" + std::to_string(batch_.now().time_since_epoch().count());
    next.payload = command.payload;
    return next;
}

// What the list told besides waits in the command until the last of the documents is here.
std::string OrderSession::read_orders(
    const engine::CommandRow& command,
    const Outcome& outcome,
    WantedDocuments wanted) {
    sagas::Command next = next_of(command, sagas::activity::poll_orders);
    if (command.payload.contains("order_ids")) next.delay = rest_between_pages;
    next.payload["order_ids"] = std::move(wanted.order_ids);
    json list = outcome.payload;
    for (const char* told : {"seen", "orders", "unread", "unreadable"})
        list.erase(told);
    if (!wanted.later.empty() && !runtime::planted("next_page_of_news_lost"))
        list["seen"] = std::move(wanted.later);  // looked at anew then: some may have come by themselves
    next.payload["list"] = std::move(list);
    return batch_.command_of_duty(command.merchant, command.duty, next);
}

// What was not in place has been repaired by now, or the store has said why not. Either way webhooks may be lost since nobody
// knows when: the store's orders are polled at once. The incident stays until a look finds everything in place.
void OrderSession::ended_check_subscriptions(
    const engine::CommandRow& command,
    const Outcome& outcome,
    engine::DutyRow& row) {
    const std::string incident = "subscriptions:" + row.subject;
    const std::string store = command.payload.value("store", "");
    if (outcome.kind == OutcomeKind::refused) {
        batch_.open_incident(
            {command.merchant, incident, {}, "webhook subscriptions cannot be checked", store + ": " + outcome.reason});
    }
    if (outcome.kind != OutcomeKind::done) return;  // a store that is away is no news of its subscriptions
    row.memory["checked_at"] = runtime::format_rfc3339(batch_.now());
    const std::string faults = sentence_of(outcome.payload, "faults");
    const std::string unrepaired = sentence_of(outcome.payload, "unrepaired");
    const std::string versions = sentence_of(outcome.payload, "other_versions");
    if (faults.empty() && versions.empty()) {
        batch_.close_incident(command.merchant, incident);
        return;
    }
    std::string text = store + ": " + faults;
    if (!faults.empty()) text += unrepaired.empty() ? " (repaired)" : " (the store refuses " + unrepaired + ")";
    if (!versions.empty()) text += (faults.empty() ? "" : "; ") + versions;
    batch_.open_incident({command.merchant, incident, {}, "webhook subscriptions were not in place", text});
    if (faults.empty()) return;
    call_duty(command.merchant, duty::poll_orders, row.subject);
    if (unrepaired.empty()) row.next_due = batch_.now();  // the look that closes the incident
}

// Orders that the store told in a way nobody understands: seen again by every overlapping poll, parked once.
void OrderSession::park_unreadable(const engine::CommandRow& command, const json& unreadable) {
    if (unreadable.empty()) return;
    engine::DutyRow row = duty_row(command.merchant, duty::poll_orders, subject_of(command.duty));
    json& parked = row.memory["unreadable"];
    if (!parked.is_array()) parked = json::array();
    for (const json& order : unreadable) {
        std::string mark = order.value("order_id", "") + ": " + order.value("reason", "");
        if (std::find(parked.begin(), parked.end(), mark) != parked.end()) continue;
        transaction_.park(
            command.merchant, "order", row.subject + " order " + order.value("order_id", ""), order.value("reason", ""),
            order);
        parked.push_back(std::move(mark));
        if (parked.size() > unreadable_remembered) parked.erase(parked.begin());
    }
    keep_duty(std::move(row));
}

void OrderSession::ended_read_order(const engine::CommandRow& command, const Outcome& outcome) {
    if (outcome.kind != OutcomeKind::done || !outcome.payload.contains("order") ||
        outcome.payload.at("order").is_null())
        return;
    take_orders(
        command.merchant, {id_in(command.duty)}, json::array({outcome.payload.at("order")}), "read of the order");
}

// More orders than one message holds: what was read first waits in the next command until the last of them is here.
std::string OrderSession::read_on(const engine::CommandRow& command, const Outcome& outcome) {
    sagas::Command next = next_of(command, sagas::activity::quiet_read);
    next.payload.erase("order_ids");
    next.payload.erase("list");
    next.payload["first"] = outcome.payload.at("first");
    next.payload["after"] = outcome.payload.at("after");
    return batch_.command_of_duty(command.merchant, command.duty, next);
}

void OrderSession::ended_quiet_read(const engine::CommandRow& command, const Outcome& outcome) {
    take_orders(command, outcome);
    const bool done = read_all(outcome);
    if (goes_on_reading(duty::quiet_reads, outcome)) return;
    const json learned = command.payload.value("learned", json::object());
    auto level = [&](const char* which, const std::string& listing) -> std::optional<std::int64_t> {
        if (!done || !outcome.payload.contains(which)) return std::nullopt;
        const json& levels = outcome.payload.at(which);
        auto found = levels.find(listing);
        if (found == levels.end() || !found->is_number_integer()) return std::nullopt;
        return found->get<std::int64_t>();
    };
    for (const auto& [listing, count] : learned.items()) {
        QuietReadEnd end;
        end.merchant = command.merchant;
        end.listing_id = {std::stoll(listing)};
        end.learned = count.get<std::int64_t>();
        end.failed = !done;
        end.first = level("first", listing);
        end.second = level("second", listing);
        world(command.merchant).channels->read_ended(end);
    }
}

void OrderSession::ended_reading(const engine::CommandRow& command, const Outcome& outcome) {
    Reading reading;
    reading.merchant = command.merchant;
    reading.warehouse_id = {id_in(command.duty)};
    reading.command_id = command.command_id;
    reading.asked_at = instant_in(command.payload, "asked_at").value_or(batch_.now());
    reading.whole = command.payload.contains("items") && command.payload.at("items").empty();
    if (outcome.kind != OutcomeKind::done) return;  // who waits for it has a timer of 5 s
    std::map<std::string, SkuId> by_item;
    for (const SkuRow& sku : rows_.skus(command.merchant, {})) {
        if (!sku.warehouse_item_id.empty() && sku.components.empty()) by_item[sku.warehouse_item_id] = sku.sku_id;
        ledger_.load_skus({sku});
    }
    for (const json& item : list_in(outcome.payload, "items")) {
        auto sku = by_item.find(item.value("warehouse_item_id", ""));
        if (sku == by_item.end()) continue;  // not one of ours
        if (!item.contains("fulfillable") || !item.at("fulfillable").is_number_integer())
            continue;  // missing is not zero
        reading.items.emplace_back(
            sku->second, item.at("fulfillable").get<std::int64_t>(),
            item.value("on_hand", item.at("fulfillable").get<std::int64_t>()));
    }
    world(command.merchant);
    readings_.push_back(std::move(reading));
}

void OrderSession::ended_poll_fulfillments(const engine::CommandRow& command, const Outcome& outcome) {
    if (outcome.kind != OutcomeKind::done) return;
    for (const json& view : list_in(outcome.payload, "views"))
        views_.push_back({command.merchant, view});
}

}  // namespace ordersaga::orders
