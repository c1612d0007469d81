// What a mail says: a built-in letter per topic, each replaced by a file of the merchant's own. A letter is text with
// {{member}} of the event's body in it; values are put in once, as they are, and are never read as a template again.
// Immutable after loading; any thread.
#pragma once

#include "runtime/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace ordersaga::notifier {

struct Letter {
    std::string subject;
    std::string text;
};

class Templates {
public:
    // The built-in letters.
    Templates();
    // Those, and in their place each file <topic>.txt of `folder`. Error (invalid): the file and what is wrong with it; a
    // name that is no topic and a {{member}} that the event does not have are.
    static runtime::Result<Templates> load(const std::string& folder);

    // `body` is an event's JSON object; for an unknown topic, the topic and the body as they are.
    Letter render(std::string_view topic, std::string_view body) const;

private:
    runtime::Result<void> replace(std::string_view topic, std::string_view content);

    std::map<std::string, Letter, std::less<>> letters_;
};

}  // namespace ordersaga::notifier
