import Foundation
import Logging
import RegistryAPI
import Synchronization

/// Where data goes, and nothing else.
///
/// A file or a pipe gets every byte as it is. A terminal gets text that can't steer it, whatever the
/// format: JSON stays the same JSON there, and CSV shows what would have been obeyed.
enum StandardOutput {
    private static let isTerminal = isatty(STDOUT_FILENO) == 1
    /// The beginning of a character whose end is still to come.
    private static let begun = Mutex<[UInt8]>([])

    /// Ends the process where it can't be written: quietly where nobody reads any more, `| head` for example.
    static func write(_ text: String) {
        write(Array(text.utf8))
    }

    static func write(_ bytes: [UInt8]) {
        guard !offer(bytes) else { return }
        if errno != EPIPE {
            StandardError.write("standard output: \(String(cString: strerror(errno)))\n")
        }
        exit(CommandFailure.failed("").exitCode)
    }

    /// - Returns: false where nobody reads any more.
    static func offer(_ bytes: [UInt8]) -> Bool {
        guard isTerminal else { return Descriptor.write(bytes, to: STDOUT_FILENO) }
        let whole = begun.withLock { begun in
            let all = begun + bytes
            let rest = UTF8Tail.count(of: all)
            begun = Array(all.suffix(rest))
            return all.dropLast(rest)
        }
        let text = String(decoding: whole, as: UTF8.self)
        return Descriptor.write(PrintableText.lines(text), to: STDOUT_FILENO)
    }

    /// A sequence of our own that is meant to steer.
    static func control(_ sequence: String) {
        _ = Descriptor.write(sequence, to: STDOUT_FILENO)
    }
}

/// The end of a piece of UTF-8 that was cut somewhere.
enum UTF8Tail {
    /// Bytes at the end that begin a character and don't finish it.
    static func count(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            let wanted =
                switch byte {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                default: 0
                }
            if wanted > 0 { return wanted > length ? length : 0 }
            guard byte & 0xC0 == 0x80 else { return 0 }
        }
        return 0
    }
}

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
