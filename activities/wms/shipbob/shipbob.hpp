// ShipBob (API 2026-01) behind the neutral warehouse port.
//
// Purpose: the order of calls that makes an effect happen once: look by reference where a write may have happened, read
// before and after a cancel, resolve SKUs before an order names them.
// Thread: all operations on one executor; the catalogue it has learned is kept in memory and not guarded.
// Errors: failures of the port; nothing is thrown for what the peer does.
// Repeat: submit with the same reference makes one order (the second is refused, then found); cancel is state-based.
#pragma once

#include "activities/credentials.hpp"
#include "activities/wms/shipbob/answers.hpp"
#include "activities/wms/wms.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace ordersaga::runtime {
class HttpTransport;
}

namespace ordersaga::activities::wms::shipbob {

struct ShipBobSettings {
    std::string base_url;  // "https://api.shipbob.com", without the version
    std::string api_version = "2026-01";
    std::string channel_id;  // of the token's own channel
    Access access;
};

class ShipBob final : public Wms {
public:
    ShipBob(ShipBobSettings settings, runtime::HttpTransport& transport);

    [[nodiscard]] Capabilities capabilities() const override;
    boost::asio::awaitable<SubmitOutcome> submit(FulfillmentRequest request, bool lookup_first, CallScope& scope)
        override;
    boost::asio::awaitable<FindOutcome> find(std::string reference, CallScope& scope) override;
    boost::asio::awaitable<GetOutcome> get(std::string id, CallScope& scope) override;
    boost::asio::awaitable<CancelOutcome> cancel(std::string id, std::string reference, CallScope& scope) override;
    boost::asio::awaitable<StockOutcome> stock(std::vector<std::int64_t> item_ids, CallScope& scope) override;
    boost::asio::awaitable<ResolveOutcome> resolve(std::vector<std::string> skus, CallScope& scope) override;
    boost::asio::awaitable<ChangesOutcome> changes_since(runtime::Instant since, CallScope& scope) override;

private:
    boost::asio::awaitable<PeerAnswer> call(
        CallKind kind,
        std::string method,
        std::string url,
        std::string body,
        CallScope& scope);
    // Every page of a list that says {items, next}; nullopt in `failure` when all were read.
    struct Pages {
        std::vector<std::string> bodies;
        std::optional<Failure> failure;
    };
    boost::asio::awaitable<Pages> read_pages(std::string url, CallScope& scope);
    boost::asio::awaitable<std::optional<Failure>> learn_items(
        const std::vector<std::int64_t>& item_ids,
        CallScope& scope);
    boost::asio::awaitable<SubmitOutcome> settle_submit(
        FulfillmentRequest request,
        PeerAnswer answer,
        CallScope& scope);
    boost::asio::awaitable<GetOutcome> get_or_find(std::string id, std::string reference, CallScope& scope);
    [[nodiscard]] std::string url(const std::string& path) const;
    // The address of the next page; empty when there is none or it leads to another host.
    [[nodiscard]] std::string next_url(const std::string& next) const;
    void remember(const CatalogueItem& item);

    ShipBobSettings settings_;
    runtime::HttpTransport& transport_;
    std::unordered_map<std::string, CatalogueItem> by_sku_;
    std::unordered_map<std::int64_t, CatalogueItem> by_item_;
    std::unordered_map<std::int64_t, std::int64_t> item_of_inventory_;
};

}  // namespace ordersaga::activities::wms::shipbob
