#include "orchestrator/cli/sku_proposals.hpp"

#include "runtime/text.hpp"

#include <algorithm>
#include <string_view>

namespace ordersaga::cli {

namespace {

constexpr std::size_t longest_sku = 255;

// Spellings that people take for the same.
std::string folded(std::string_view sku) {
    std::string result;
    for (const char letter : sku) {
        if (letter != ' ') result.push_back(runtime::lower(letter));
    }
    return result;
}

bool is_usable(const std::string& sku) {
    return sku.size() <= longest_sku && sku.front() != ' ' && sku.back() != ' ' &&
           std::none_of(
               sku.begin(), sku.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

// What several variants, or several spellings, make of each SKU.
class Spellings {
public:
    void add(const std::string& sku) {
        ++count_[sku];
        by_fold_[folded(sku)].insert(sku);
    }
    void know(const std::string& sku) { by_fold_[folded(sku)].insert(sku); }

    std::size_t count(const std::string& sku) const {
        const auto found = count_.find(sku);
        return found == count_.end() ? 0 : found->second;
    }
    // Another spelling of it; empty when there is none.
    std::string other(const std::string& sku) const {
        const auto found = by_fold_.find(folded(sku));
        if (found == by_fold_.end()) return {};
        for (const std::string& spelling : found->second)
            if (spelling != sku) return spelling;
        return {};
    }

private:
    std::map<std::string, std::size_t> count_;
    std::map<std::string, std::set<std::string>> by_fold_;
};

// Why a person has to decide about a variant that is not listed yet; empty when nothing speaks against it.
std::string objection_to(const Variant& variant, const Spellings& spellings) {
    if (variant.sku.empty()) return "it has no SKU";
    if (!is_usable(variant.sku))
        return "its SKU is longer than 255 bytes, or has blanks at an end or control characters";
    if (const std::size_t count = spellings.count(variant.sku); count > 1)
        return std::to_string(count) + " variants have this SKU";
    if (const std::string other = spellings.other(variant.sku); !other.empty())
        return "another SKU differs in capitals or blanks only: " + other;
    if (!variant.tracked) return "the store does not track its stock";
    if (!variant.stocked) return "it is not stocked at the store's location";
    return {};
}

bool is_for_us(const Variant& variant) {
    return variant.shipped && !variant.archived;
}

}  // namespace

StoreProposals propose_listings(const std::vector<Variant>& variants, const KnownGoods& known) {
    Spellings spellings;
    for (const std::string& sku : known.skus)
        spellings.know(sku);
    std::set<std::string> shown;
    for (const Variant& variant : variants) {
        shown.insert(variant.variant_id);
        if (is_for_us(variant) && !variant.sku.empty()) spellings.add(variant.sku);
    }

    StoreProposals proposals;
    for (const Variant& variant : variants) {
        const auto listed = known.sku_of_variant.find(variant.variant_id);
        if (listed != known.sku_of_variant.end()) {
            if (variant.tracked)
                ++proposals.in_place;
            else
                proposals.decisions.push_back(
                    {listed->second, variant.variant_id, variant.title,
                     "it is listed, but the store does not track its stock"});
        } else if (!is_for_us(variant)) {
            ++proposals.passed_over;
        } else if (std::string objection = objection_to(variant, spellings); !objection.empty()) {
            proposals.decisions.push_back({variant.sku, variant.variant_id, variant.title, std::move(objection)});
        } else {
            proposals.listings.push_back(variant);
        }
    }
    for (const auto& [variant_id, sku] : known.sku_of_variant) {
        if (!shown.contains(variant_id))
            proposals.decisions.push_back({sku, variant_id, "", "it is listed, but the store does not have it"});
    }
    return proposals;
}

WarehouseProposals propose_numbers(
    const std::vector<WarehouseItem>& items,
    const std::map<std::string, std::string>& known) {
    WarehouseProposals proposals;
    std::map<std::string, std::vector<const WarehouseItem*>> by_sku;
    for (const WarehouseItem& item : items) {
        if (known.contains(item.sku))
            by_sku[item.sku].push_back(&item);
        else
            ++proposals.not_ours;
    }
    for (const auto& entry : known) {
        // By names of their own: Clang 14 lets no function capture the names of a structured binding.
        const std::string& sku = entry.first;
        const std::string& number = entry.second;
        const auto found = by_sku.find(sku);
        const auto decide = [&](const std::string& id, const std::string& name, const std::string& reason) {
            proposals.decisions.push_back({sku, id, name, reason});
        };
        if (found == by_sku.end()) {
            decide(number, "", "the warehouse does not know this SKU");
            continue;
        }
        const std::vector<const WarehouseItem*>& candidates = found->second;
        const bool is_one_of_them = std::any_of(
            candidates.begin(), candidates.end(), [&](const WarehouseItem* item) { return item->item_id == number; });
        const WarehouseItem& first = *candidates.front();
        if (!number.empty() && is_one_of_them)
            ++proposals.in_place;
        else if (candidates.size() > 1)
            decide(
                first.item_id, first.name, std::to_string(candidates.size()) + " items of the warehouse have this SKU");
        else if (first.item_id.empty())
            decide("", first.name, "the warehouse gives it no number that orders could name it by");
        else if (!number.empty())
            decide(
                first.item_id, first.name, "warehouse_item_id is " + number + ", the warehouse says " + first.item_id);
        else
            proposals.numbers[sku] = first.item_id;
    }
    return proposals;
}

}  // namespace ordersaga::cli
