#include "tests/support/orchestrator/recording_sink.hpp"

namespace ordersaga::test {

void RecordingSink::send(const std::vector<engine::CommandRow>& commands, int) {
    std::vector<std::pair<std::string, std::string>> confirmed;
    {
        const std::lock_guard lock(mutex_);
        for (const engine::CommandRow& command : commands) {
            waiting_.push_back(command);
            sent_.push_back(command);
            confirmed.emplace_back(command.command_id, command.attempt_token);
        }
    }
    if (loop_ != nullptr) loop_->published(std::move(confirmed));
    arrived_.notify_all();
}

void RecordingSink::announce(const std::vector<engine::AnnouncementRow>& announcements) {
    std::vector<std::int64_t> confirmed;
    {
        const std::lock_guard lock(mutex_);
        for (const engine::AnnouncementRow& announcement : announcements) {
            announced_.push_back(announcement);
            confirmed.push_back(announcement.announcement_id);
        }
    }
    if (loop_ != nullptr) loop_->announced(std::move(confirmed));
}

std::vector<engine::CommandRow> RecordingSink::take(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, longest, [this] { return !waiting_.empty(); });
    return std::exchange(waiting_, {});
}

std::vector<engine::CommandRow> RecordingSink::sent(std::string_view activity) const {
    const std::lock_guard lock(mutex_);
    std::vector<engine::CommandRow> found;
    for (const engine::CommandRow& command : sent_) {
        if (command.activity == activity) found.push_back(command);
    }
    return found;
}

std::vector<engine::AnnouncementRow> RecordingSink::announced() const {
    const std::lock_guard lock(mutex_);
    return announced_;
}

}  // namespace ordersaga::test
