#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/integration/broker/tls_front.hpp"

namespace ordersaga::broker {
namespace {

class TlsTest : public BrokerTest {
protected:
    Address tls_address(const TlsFront& front, const std::string& host, const std::string& authority_file) const {
        Address address = address_;
        address.tls = true;
        address.host = host;
        address.port = front.port();
        address.options.ca_file = authority_file;
        return address;
    }
};

TEST_F(TlsTest, PublishesAndConsumesOverTlsByNameAndByAddress) {
    const TestCertificates certificates("DNS:localhost,IP:127.0.0.1");
    const TlsFront front(certificates, address_.port);
    for (const char* host : {"localhost", "127.0.0.1"}) {
        const Address address = tls_address(front, host, certificates.authority_file());
        Results results;
        Publisher publisher(address, {}, results.receiver());
        Deliveries deliveries;
        Consumer consumer(address, from({shopify_queue()}), deliveries.receiver());

        for (std::uint64_t tag = 1; tag <= 200; ++tag) {
            Message message = a_message(tag);
            message.body.resize(5'000, ' ');  // several TLS records per burst
            ASSERT_TRUE(publisher.try_publish(std::move(message)));
        }

        ASSERT_TRUE(results.wait_for(200)) << host << " " << publisher.health().last_error;
        EXPECT_EQ(results.count(PublishStatus::confirmed), 200U) << host;
        ASSERT_TRUE(deliveries.wait_for(200)) << host;
        consumer.ack(deliveries.handles());
        consumer.stop();
    }
}

TEST_F(TlsTest, RefusesACertificateForAnotherName) {
    const TestCertificates certificates("DNS:rabbit.example,IP:127.0.0.2");
    const TlsFront front(certificates, address_.port);

    EXPECT_FALSE(declare_topology(tls_address(front, "localhost", certificates.authority_file()), topology_).ok());
    EXPECT_FALSE(declare_topology(tls_address(front, "127.0.0.1", certificates.authority_file()), topology_).ok());
}

TEST_F(TlsTest, RefusesAnAuthorityItDoesNotKnow) {
    const TestCertificates certificates("DNS:localhost");
    const TestCertificates strangers("DNS:localhost");
    const TlsFront front(certificates, address_.port);

    const auto declared = declare_topology(tls_address(front, "localhost", strangers.authority_file()), topology_);

    ASSERT_FALSE(declared.ok());
    EXPECT_NE(declared.error().message.find("SSL"), std::string::npos) << declared.error().message;
    EXPECT_TRUE(declare_topology(tls_address(front, "localhost", certificates.authority_file()), topology_).ok());
}

TEST_F(TlsTest, RefusesACertificateThatHasExpired) {
    const TestCertificates certificates("DNS:localhost", -std::chrono::hours(1));
    const TlsFront front(certificates, address_.port);

    EXPECT_FALSE(declare_topology(tls_address(front, "localhost", certificates.authority_file()), topology_).ok());
}

TEST_F(TlsTest, NamesAFileOfAuthoritiesThatCannotBeRead) {
    Address address = address_;
    address.tls = true;
    address.options.ca_file = "/no/such/authority.pem";

    const auto declared = declare_topology(address, topology_);

    ASSERT_FALSE(declared.ok());
    EXPECT_NE(declared.error().message.find("/no/such/authority.pem"), std::string::npos);
}

TEST_F(TlsTest, NeverFallsBackToPlainText) {
    Address address = address_;  // the broker's plain port
    address.tls = true;
    const TestCertificates certificates("DNS:localhost");
    address.options.ca_file = certificates.authority_file();

    EXPECT_FALSE(declare_topology(address, topology_).ok());
}

}  // namespace
}  // namespace ordersaga::broker
