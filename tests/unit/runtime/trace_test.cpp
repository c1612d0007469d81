#include "runtime/trace.hpp"

#include "runtime/random.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

const std::string trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string span_id = "00f067aa0ba902b7";

TEST(Traceparent, ReadsAndWrites) {
    const auto context = parse_traceparent("00-" + trace_id + "-" + span_id + "-01");

    ASSERT_TRUE(context);
    EXPECT_EQ(context->trace_id, trace_id);
    EXPECT_EQ(context->span_id, span_id);
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(context->header(), "00-" + trace_id + "-" + span_id + "-01");
}

TEST(Traceparent, TakesLaterVersionsAsTheStandardAsks) {
    EXPECT_TRUE(parse_traceparent("cc-" + trace_id + "-" + span_id + "-00"));
    EXPECT_TRUE(parse_traceparent("cc-" + trace_id + "-" + span_id + "-01-what-follows"));
    EXPECT_FALSE(parse_traceparent("cc-" + trace_id + "-" + span_id + "-01.what"));
}

TEST(Traceparent, RefusesMalformedHeaders) {
    const std::string zero_trace(32, '0');
    const std::string zero_span(16, '0');
    for (const std::string& header :
         {std::string(), "00-" + trace_id + "-" + span_id, "00-" + trace_id + "-" + span_id + "-01-more",
          "ff-" + trace_id + "-" + span_id + "-01", "00-" + zero_trace + "-" + span_id + "-01",
          "00-" + trace_id + "-" + zero_span + "-01", "00_" + trace_id + "-" + span_id + "-01",
          "00-" + std::string("4BF92F3577B34DA6A3CE929D0E0E4736") + "-" + span_id + "-01",
          "00-" + trace_id + "-" + span_id + "-0x"}) {
        EXPECT_FALSE(parse_traceparent(header)) << header;
    }
}

TEST(Traceparent, ChildKeepsTheTraceAndChangesTheSpan) {
    SeededRandom random(1);
    const TraceContext parent = new_trace(random);
    const TraceContext child = parent.child(random);

    EXPECT_EQ(child.trace_id, parent.trace_id);
    EXPECT_NE(child.span_id, parent.span_id);
    EXPECT_TRUE(parse_traceparent(child.header()));
}

}  // namespace
}  // namespace ordersaga::runtime
