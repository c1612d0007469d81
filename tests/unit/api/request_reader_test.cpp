#include "orchestrator/api/request_reader.hpp"

#include <gtest/gtest.h>

namespace ordersaga::api {
namespace {

using Segments = std::vector<std::string>;

TEST(RequestReader, KeepsAnEncodedSlashInItsSegment) {
    EXPECT_EQ(segments_of("/stock/A%2FB/movements"), (Segments{"stock", "A/B", "movements"}));
    const Match match = find_route("GET", "/api/v1/stock/A%2FB%20%C3%A9/movements?limit=5");
    ASSERT_NE(match.route, nullptr);
    EXPECT_EQ(match.parameters, Segments{"A/B \xc3\xa9"});
}

TEST(RequestReader, RefusesBrokenEscapesAndControlCharacters) {
    for (const std::string target : {"/stock/%zz", "/stock/%2", "/stock/%00", "/stock/a%0d%0ab", "stock", ""}) {
        EXPECT_FALSE(segments_of(target)) << target;
    }
    EXPECT_EQ(find_route("GET", "/api/v1/stock/%00/movements").route, nullptr);
}

TEST(RequestReader, TellsWhichMethodAPathHas) {
    const Match match = find_route("PUT", "/api/v1/sagas/x/retry");
    EXPECT_EQ(match.route, nullptr);
    EXPECT_EQ(match.allowed, "POST");
    EXPECT_EQ(find_route("GET", "/api/v1/nothing").allowed, "");
}

TEST(RequestReader, NoTwoRoutesFitTheSamePath) {
    for (const Route& left : routes) {
        for (const Route& right : routes) {
            if (&left != &right) {
                EXPECT_FALSE(left.method == right.method && left.path == right.path);
            }
        }
        const Match match = find_route(left.method, "/api/v1" + std::string(left.path));
        ASSERT_NE(match.route, nullptr);
        EXPECT_EQ(match.route->operation, left.operation);
    }
}

}  // namespace
}  // namespace ordersaga::api
