#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/crypto.hpp"
#include "runtime/standard_webhooks.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ordersaga::webhook {
namespace {

using namespace std::chrono_literals;

// nullopt when the shared fixtures are not on this machine.
std::optional<nlohmann::json> fixture(const std::string& name) {
    const char* folder = std::getenv("ORDERSAGA_FIXTURES");
    if (folder == nullptr) return std::nullopt;
    std::ifstream file(std::filesystem::path(folder) / name);
    if (!file) return std::nullopt;
    return nlohmann::json::parse(file);
}

const std::string body = R"({"id":1})";
const std::vector<std::string> secrets{"new secret", "old secret"};

// Recorded by the clients that the store's maker and others publish.
TEST(ShopifySignature, AgreesWithPublishedVectors) {
    const std::optional<nlohmann::json> vectors = fixture("shopify/vectors/webhook-hmac.json");
    if (!vectors) GTEST_SKIP() << "shared fixtures absent";
    ASSERT_FALSE(vectors->at("vectors").empty());
    for (const nlohmann::json& vector : vectors->at("vectors")) {
        const std::vector<std::string> one{vector.at("secret").get<std::string>()};
        EXPECT_EQ(
            shopify_signature_is_valid(
                vector.at("body").get<std::string>(), vector.at("header").get<std::string>(), one),
            vector.at("valid").get<bool>())
            << vector.at("name");
    }
}

TEST(ShopifySignature, AcceptsEitherOfTwoLiveSecrets) {
    EXPECT_TRUE(shopify_signature_is_valid(body, shopify_signature(body, "new secret"), secrets));
    EXPECT_TRUE(shopify_signature_is_valid(body, shopify_signature(body, "old secret"), secrets));
    EXPECT_FALSE(shopify_signature_is_valid(body, shopify_signature(body, "third secret"), secrets));
}

TEST(ShopifySignature, RefusesWhatIsNotStrictBase64OfADigest) {
    const std::string good = shopify_signature(body, "new secret");
    const std::string digest = runtime::hmac_sha256("new secret", body);
    std::string url_safe = good;
    for (char& letter : url_safe)
        letter = letter == '+' ? '-' : letter == '/' ? '_' : letter;
    const std::vector<std::string> wrong{
        "",
        "=",
        good + "=",
        good + good,
        " " + good,
        good + "\n",
        good.substr(0, 43),
        runtime::to_hex(digest),
        digest,
        std::string(44, 'A'),
        std::string(44, '='),
        good.substr(0, 42) + "==",
    };
    for (const std::string& header : wrong)
        EXPECT_FALSE(shopify_signature_is_valid(body, header, secrets)) << header;
    if (url_safe != good) {
        EXPECT_FALSE(shopify_signature_is_valid(body, url_safe, secrets));
    }
}

TEST(ShopifySignature, RefusesEmptySecretsAndEmptyBodies) {
    const std::vector<std::string> empty{""};
    EXPECT_FALSE(shopify_signature_is_valid(body, shopify_signature(body, ""), empty));
    EXPECT_FALSE(shopify_signature_is_valid(body, shopify_signature(body, "x"), {}));
    EXPECT_FALSE(shopify_signature_is_valid("", shopify_signature("", "new secret"), secrets));
}

TEST(ShopifySignature, CoversEveryByteOfTheBody) {
    const std::string header = shopify_signature(body, "new secret");
    for (std::size_t at = 0; at < body.size(); ++at) {
        std::string changed = body;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(shopify_signature_is_valid(changed, header, secrets)) << at;
    }
}

const std::vector<std::string> warehouse_secrets{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
constexpr std::string_view sent_at = "1614265330";
const runtime::Instant sent{1614265330s};

std::string signature_of(std::string_view id, std::string_view timestamp) {
    return runtime::standard_webhook_signature(id, timestamp, body, warehouse_secrets[0]).value();
}

TEST(StandardWebhooks, AgreesWithThePublishedVector) {
    const std::optional<nlohmann::json> vector = fixture("wms/shipbob/standard-webhooks-signature-vector.json");
    if (!vector) GTEST_SKIP() << "shared fixtures absent";
    const std::string id = vector->at("webhook_id"), signature = vector->at("webhook_signature");
    const std::int64_t seconds = vector->at("webhook_timestamp");
    const std::string timestamp = std::to_string(seconds), payload = vector->at("payload");
    const std::vector<std::string> secret{vector->at("secret").get<std::string>()};

    const auto verdict = runtime::judge_standard_webhook(
        {id, timestamp, signature}, payload, secret, runtime::Instant{std::chrono::seconds(seconds)});

    EXPECT_EQ(verdict, runtime::StandardWebhookVerdict::verified);
}

TEST(StandardWebhooks, AcceptsFiveMinutesEitherWayAndNoMore) {
    const std::string signature = signature_of("m", sent_at);
    const runtime::StandardWebhookHeaders headers{"m", sent_at, signature};
    EXPECT_EQ(
        runtime::judge_standard_webhook(headers, body, warehouse_secrets, sent + 5min),
        runtime::StandardWebhookVerdict::verified);
    EXPECT_EQ(
        runtime::judge_standard_webhook(headers, body, warehouse_secrets, sent - 5min),
        runtime::StandardWebhookVerdict::verified);
    EXPECT_EQ(
        runtime::judge_standard_webhook(headers, body, warehouse_secrets, sent + 5min + 1us),
        runtime::StandardWebhookVerdict::outdated);
    EXPECT_EQ(
        runtime::judge_standard_webhook(headers, body, warehouse_secrets, sent - 5min - 1us),
        runtime::StandardWebhookVerdict::outdated);
}

TEST(StandardWebhooks, FindsTheFittingEntryInAList) {
    const std::string other = runtime::base64_encode(std::string(32, 'x'));
    const std::string list = "v1a,zzz v1," + other + " " + signature_of("m", sent_at);
    EXPECT_EQ(
        runtime::judge_standard_webhook({"m", sent_at, list}, body, warehouse_secrets, sent),
        runtime::StandardWebhookVerdict::verified);
}

TEST(StandardWebhooks, SignsIdAndTimestampToo) {
    const std::string signature = signature_of("m", sent_at);
    EXPECT_EQ(
        runtime::judge_standard_webhook({"n", sent_at, signature}, body, warehouse_secrets, sent),
        runtime::StandardWebhookVerdict::mismatched);
    EXPECT_EQ(
        runtime::judge_standard_webhook({"m", "1614265331", signature}, body, warehouse_secrets, sent),
        runtime::StandardWebhookVerdict::mismatched);
    EXPECT_EQ(
        runtime::judge_standard_webhook({"m", sent_at, signature}, body + " ", warehouse_secrets, sent),
        runtime::StandardWebhookVerdict::mismatched);
    const std::vector<std::string> useless{"", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    EXPECT_EQ(
        runtime::judge_standard_webhook({"m", sent_at, signature}, body, useless, sent),
        runtime::StandardWebhookVerdict::mismatched);
}

TEST(StandardWebhooks, RefusesHeadersThatCannotBeRead) {
    const std::string signature = signature_of("m", sent_at);
    std::string many;
    for (int entry = 0; entry < 100; ++entry)
        many += signature + " ";
    const std::vector<runtime::StandardWebhookHeaders> broken{
        {"", sent_at, signature},
        {"m", "", signature},
        {"m", "-1", signature},
        {"m", "1614265330.5", signature},
        {"m", "9999999999999", signature},
        {"m", sent_at, ""},
        {"m", sent_at, "v2,AAAA"},
        {"m", sent_at, "v1,AAAA"},
        {"m", sent_at, many},
    };
    for (const runtime::StandardWebhookHeaders& headers : broken) {
        EXPECT_EQ(
            runtime::judge_standard_webhook(headers, body, warehouse_secrets, sent),
            runtime::StandardWebhookVerdict::malformed)
            << headers.id << " " << headers.timestamp;
    }
}

}  // namespace
}  // namespace ordersaga::webhook
