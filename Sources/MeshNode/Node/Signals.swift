import CLinux
import Glibc

/// Signals as values: blocked in every thread, taken by the main one.
enum Signals {
    private static let taken: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]

    /// Before any thread is made, so that all inherit it.
    static func block() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in taken { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        // Inherited as ignored, it would have the kernel forget how our children ended.
        signal(SIGCHLD, SIG_DFL)
    }

    /// For commands that wait for people or other machines: a signal ends them at once.
    static func unblock() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in taken { sigaddset(&set, signal) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// The next signal; nil after `milliseconds` without one.
    static func wait(milliseconds: Int? = nil) -> Int32? {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in taken { sigaddset(&set, signal) }
        guard let milliseconds else {
            var signal: Int32 = 0
            return sigwait(&set, &signal) == 0 ? signal : nil
        }
        var limit = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        let signal = sigtimedwait(&set, nil, &limit)
        return signal > 0 ? signal : nil
    }
}
