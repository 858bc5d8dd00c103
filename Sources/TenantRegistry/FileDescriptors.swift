import Foundation
import Logging

/// The process's open files: the standard ones are there, and the limit is raised as far as it may be, for
/// each connection needs one.
enum FileDescriptors {
    /// Whoever starts a process without them would have the next file that it opens, the store or a
    /// socket, in their place, and the log's lines in it.
    static func openStandard() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY)
        }
    }

    /// For the store, the log and whatever else isn't a connection.
    private static let reserve = 256

    /// - Returns: how many connections there may be, so that none of them takes what the store needs.
    static func connections(wanted: Int, _ logger: Logger) -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return wanted }
        let needed = rlim_t(wanted + reserve)
        if limit.rlim_cur < needed {
            limit.rlim_cur = min(needed, limit.rlim_max)
            _ = setrlimit(resource, &limit)
            guard getrlimit(resource, &limit) == 0 else { return wanted }
        }
        guard limit.rlim_cur < needed else { return wanted }
        let possible = max(1, Int(limit.rlim_cur) - reserve)
        logger.warning(
            "the limit on open files allows fewer connections than asked for",
            metadata: ["connections": "\(possible)", "wanted": "\(wanted)"])
        return possible
    }
}
