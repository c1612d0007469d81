// What becomes a row of skus.csv and listings.csv, and what a person has to decide.
#include "orchestrator/cli/sku_proposals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Variant a_variant(const std::string& id, const std::string& sku) {
    Variant variant;
    variant.variant_id = id;
    variant.inventory_item_id = "9" + id;
    variant.sku = sku;
    variant.title = "the " + sku;
    return variant;
}

std::vector<std::string> ids_of(const std::vector<Variant>& variants) {
    std::vector<std::string> ids;
    for (const Variant& variant : variants)
        ids.push_back(variant.variant_id);
    return ids;
}

// The one decision there is, as its reason.
std::string decision_about(const Variant& variant, const KnownGoods& known = {}) {
    const StoreProposals proposals = propose_listings({variant, a_variant("99", "OTHER")}, known);
    EXPECT_THAT(ids_of(proposals.listings), ElementsAre("99"));
    return proposals.decisions.size() == 1 ? proposals.decisions[0].reason : "";
}

TEST(StoreProposals, TakeWhatNothingSpeaksAgainst) {
    const StoreProposals proposals = propose_listings({a_variant("1", "SHIRT"), a_variant("2", "HAT")}, {});

    EXPECT_THAT(ids_of(proposals.listings), ElementsAre("1", "2"));
    EXPECT_THAT(proposals.decisions, IsEmpty());
}

TEST(StoreProposals, LeaveWhatIsListedAsItIs) {
    const KnownGoods known{{"SHIRT", "OWN-NAME"}, {{"1", "SHIRT"}, {"2", "OWN-NAME"}}};

    const StoreProposals proposals = propose_listings({a_variant("1", "SHIRT"), a_variant("2", "")}, known);

    EXPECT_EQ(proposals.in_place, 2U);
    EXPECT_THAT(proposals.listings, IsEmpty());
    EXPECT_THAT(proposals.decisions, IsEmpty()) << "somebody has decided about the empty SKU";
}

TEST(StoreProposals, AskAboutAMissingSku) {
    EXPECT_EQ(decision_about(a_variant("1", "")), "it has no SKU");
}

TEST(StoreProposals, AskAboutAllVariantsOfOneSku) {
    const StoreProposals proposals =
        propose_listings({a_variant("1", "SHIRT"), a_variant("2", "SHIRT"), a_variant("3", "HAT")}, {});

    EXPECT_THAT(ids_of(proposals.listings), ElementsAre("3"));
    ASSERT_EQ(proposals.decisions.size(), 2U);
    EXPECT_EQ(proposals.decisions[0].reason, "2 variants have this SKU");
    EXPECT_EQ(proposals.decisions[1].id, "2");
}

// A variant of a listed SKU is as much a duplicate as one of two new ones.
TEST(StoreProposals, AskAboutASecondVariantOfAListedSku) {
    const KnownGoods known{{"SHIRT"}, {{"1", "SHIRT"}}};

    const StoreProposals proposals = propose_listings({a_variant("1", "SHIRT"), a_variant("2", "SHIRT")}, known);

    EXPECT_EQ(proposals.in_place, 1U);
    ASSERT_EQ(proposals.decisions.size(), 1U);
    EXPECT_EQ(proposals.decisions[0].id, "2");
}

TEST(StoreProposals, AskAboutWhatIsNotTracked) {
    Variant untracked = a_variant("1", "SHIRT");
    untracked.tracked = false;

    EXPECT_EQ(decision_about(untracked), "the store does not track its stock");
    EXPECT_THAT(decision_about(untracked, {{"SHIRT"}, {{"1", "SHIRT"}}}), HasSubstr("it is listed, but"));
}

TEST(StoreProposals, AskAboutWhatIsNotStockedHere) {
    Variant elsewhere = a_variant("1", "SHIRT");
    elsewhere.stocked = false;
    EXPECT_EQ(decision_about(elsewhere), "it is not stocked at the store's location");
}

TEST(StoreProposals, AskAboutSpellings) {
    EXPECT_THAT(decision_about(a_variant("1", "Shirt-m"), {{"SHIRT-M"}, {}}), HasSubstr("SHIRT-M"));
    EXPECT_THAT(decision_about(a_variant("1", " SHIRT")), HasSubstr("blanks"));
    EXPECT_THAT(decision_about(a_variant("1", "SH\nIRT")), HasSubstr("control"));
    EXPECT_THAT(decision_about(a_variant("1", std::string(256, 'S'))), HasSubstr("255"));
}

TEST(StoreProposals, PassOverWhatIsNeverSent) {
    Variant voucher = a_variant("1", "VOUCHER"), old = a_variant("2", "OLD");
    voucher.shipped = false;
    old.archived = true;

    const StoreProposals proposals = propose_listings({voucher, old}, {});

    EXPECT_EQ(proposals.passed_over, 2U);
    EXPECT_THAT(proposals.listings, IsEmpty());
    EXPECT_THAT(proposals.decisions, IsEmpty());
}

TEST(StoreProposals, TellOfListingsThatTheStoreLost) {
    const StoreProposals proposals = propose_listings({}, {{"SHIRT"}, {{"1", "SHIRT"}}});

    ASSERT_EQ(proposals.decisions.size(), 1U);
    EXPECT_EQ(proposals.decisions[0].sku, "SHIRT");
    EXPECT_EQ(proposals.decisions[0].reason, "it is listed, but the store does not have it");
}

// ------------------------------------------------------------------------------------------------------- warehouse

TEST(WarehouseProposals, NumberWhatHasNone) {
    const WarehouseProposals proposals = propose_numbers(
        {{"SHIRT", "Shirt", "11"}, {"HAT", "Hat", "12"}, {"FOREIGN", "", "13"}}, {{"SHIRT", ""}, {"HAT", "12"}});

    EXPECT_THAT(proposals.numbers, ElementsAre(Pair("SHIRT", "11")));
    EXPECT_EQ(proposals.in_place, 1U);
    EXPECT_EQ(proposals.not_ours, 1U);
    EXPECT_THAT(proposals.decisions, IsEmpty());
}

TEST(WarehouseProposals, AskWhereTheWarehouseIsNotOfOneMind) {
    const WarehouseProposals proposals = propose_numbers(
        {{"TWICE", "", "1"}, {"TWICE", "", "2"}, {"OTHER", "", "3"}, {"NAMELESS", "", ""}},
        {{"TWICE", ""}, {"OTHER", "4"}, {"NAMELESS", ""}, {"UNKNOWN", ""}});

    EXPECT_THAT(proposals.numbers, IsEmpty());
    std::map<std::string, std::string> reasons;
    for (const ToDecide& one : proposals.decisions)
        reasons[one.sku] = one.reason;
    EXPECT_THAT(
        reasons,
        ElementsAre(
            Pair("NAMELESS", HasSubstr("no number")), Pair("OTHER", "warehouse_item_id is 4, the warehouse says 3"),
            Pair("TWICE", "2 items of the warehouse have this SKU"),
            Pair("UNKNOWN", "the warehouse does not know this SKU")));
}

TEST(WarehouseProposals, KeepANumberThatSomebodyHasChosen) {
    const WarehouseProposals proposals = propose_numbers({{"TWICE", "", "1"}, {"TWICE", "", "2"}}, {{"TWICE", "2"}});

    EXPECT_EQ(proposals.in_place, 1U);
    EXPECT_THAT(proposals.decisions, IsEmpty());
}

}  // namespace
}  // namespace ordersaga::cli
