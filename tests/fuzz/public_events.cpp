// Public events as the notifier takes them: nothing in them can end a header line of a mail, begin a part of it, or be read
// as a template.
#include "broker/consumer.hpp"
#include "notifier/event.hpp"
#include "notifier/mail_message.hpp"
#include "notifier/templates.hpp"
#include "runtime/json.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace ordersaga::fuzz {
namespace {

void check_header_text(const std::string& value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        HOLDS(static_cast<unsigned char>(value[i]) < 0x80 && value[i] != '\0');
        // A line end only where the header goes on in the next line.
        if (value[i] == '\r') HOLDS(i + 2 < value.size() && value[i + 1] == '\n' && value[i + 2] == ' ');
        if (value[i] == '\n') HOLDS(i > 0 && value[i - 1] == '\r');
    }
}

void check_mail(const std::string& mail) {
    const std::size_t end = mail.find("\r\n\r\n");
    HOLDS(end != std::string::npos);
    std::size_t fields = 0;
    for (std::size_t at = 0; at < mail.size();) {
        const std::size_t stop = mail.find("\r\n", at);
        HOLDS(stop != std::string::npos);
        const std::string line = mail.substr(at, stop - at);
        HOLDS(line.size() <= 78 && line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        if (at < end && !line.starts_with(' ')) ++fields;
        at = stop + 2;
    }
    // As many as compose() writes for a plain letter: none was added.
    static const std::size_t plain = [] {
        const std::string model =
            notifier::compose({"a@b.example", "Shop", "c@d.example", "1@b.example", {}, "s", "t"});
        std::size_t count = 0;
        for (std::size_t at = 0; at < model.find("\r\n\r\n"); at = model.find("\r\n", at) + 2)
            count += model[at] == ' ' ? 0 : 1;
        return count;
    }();
    HOLDS(fields == plain);
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 3);
    broker::Delivery delivery;
    delivery.routing_key = parts[0];
    delivery.message_id = parts[1];
    delivery.body = parts[2];
    check_header_text(notifier::header_text(parts[2]));
    static_cast<void>(notifier::is_mail_address(parts[0]));
    const auto event = notifier::read_event(delivery);
    if (!event) {
        HOLDS(event.error().kind == runtime::ErrorKind::invalid && !event.error().message.empty());
        return;
    }
    HOLDS(event->merchant > 0 && !event->id.empty() && event->id.size() <= 200);
    HOLDS(runtime::parse_json(event->body).ok());
    static const notifier::Templates templates;
    const notifier::Letter letter = templates.render(event->topic, event->body);
    HOLDS(!letter.subject.empty());
    check_mail(notifier::compose(
        {"shop@shop.example", "Shop", "person@shop.example", "1@shop.example", runtime::Instant{}, letter.subject,
         letter.text}));
}

}  // namespace ordersaga::fuzz
