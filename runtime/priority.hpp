// Which thread goes first when there are more than processors.
#pragma once

namespace ordersaga::runtime {

// Lowers the nice value of the calling thread alone (-20 to 0), and of those that it starts. False where this is not allowed
// (neither CAP_SYS_NICE nor RLIMIT_NICE, or forbidden by a system call filter): then it stays as it was.
bool go_before_others(int nice) noexcept;

}  // namespace ordersaga::runtime
