#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace ordersaga::runtime {
namespace {

TEST(SeededRandom, GivesTheSameSequenceForTheSameSeed) {
    SeededRandom first(42);
    SeededRandom second(42);
    SeededRandom other(43);

    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t value = first.next();
        EXPECT_EQ(value, second.next());
        differs = differs || value != other.next();
    }
    EXPECT_TRUE(differs);
}

// The figure pins the sequence: simulations are replayed from seeds that were written down on another machine.
TEST(SeededRandom, NeverChangesItsSequence) {
    SeededRandom random(1);

    EXPECT_EQ(random.next(), 12966619160104079557ULL);
    EXPECT_EQ(random.next(), 9600361134598540522ULL);
}

TEST(Random, StaysBelowTheBound) {
    SeededRandom random(7);
    std::set<std::uint64_t> seen;

    for (int i = 0; i < 1000; ++i)
        seen.insert(random.below(5));

    EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(random.below(0), 0U);
    EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UnitIsAtLeastZeroAndBelowOne) {
    SeededRandom random(7);
    double sum = 0;

    for (int i = 0; i < 10'000; ++i) {
        const double value = random.unit();
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        sum += value;
    }

    EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
    EXPECT_FALSE(random.chance(0.0));
    EXPECT_TRUE(random.chance(1.0));
}

TEST(Uuid, SortsByTimeWithMicroseconds) {
    SystemRandom random;
    std::string previous;

    for (std::int64_t micros = 1'700'000'000'000'000; micros < 1'700'000'000'003'000; ++micros) {
        const std::string id = new_uuid(Instant{Duration{micros}}, random);
        ASSERT_TRUE(is_uuid(id)) << id;
        EXPECT_EQ(id[14], '7');
        EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
        EXPECT_LT(previous, id);
        previous = id;
    }
}

TEST(Uuid, VersionFourSaysSo) {
    SystemRandom random;
    const std::string id = new_uuid_v4(random);

    EXPECT_TRUE(is_uuid(id));
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(id, new_uuid_v4(random));
}

TEST(Uuid, RefusesOtherText) {
    EXPECT_FALSE(is_uuid(""));
    EXPECT_FALSE(is_uuid("0188b5c2-1234-7abc-8def-0123456789a"));
    EXPECT_FALSE(is_uuid("0188b5c2x1234-7abc-8def-0123456789ab"));
    EXPECT_FALSE(is_uuid("0188b5c2-1234-7abc-8def-0123456789ag"));
    EXPECT_TRUE(is_uuid("0188B5C2-1234-7abc-8def-0123456789ab"));
}

TEST(RandomToken, HasTheLengthAskedForAndNeverRepeats) {
    EXPECT_EQ(random_token().size(), 64U);
    EXPECT_EQ(random_token(8).size(), 16U);
    EXPECT_NE(random_token(), random_token());
}

}  // namespace
}  // namespace ordersaga::runtime
