import CoreMetrics
import Foundation
import Logging
import Synchronization

/// Log lines on their way to a file descriptor: a bounded buffer that every thread adds to, and one
/// thread of its own that writes.
///
/// Guaranteed: `append` never waits for the descriptor, whatever its reader does; lines come out whole
/// and in the order in which they were added; what doesn't fit is dropped, counted in
/// `registry_log_lines_dropped_total`, and told of by a line of its own once there is room again.
/// Lines from `warning` on have a share of the buffer for themselves, so that a flood of access lines
/// doesn't push out the one that says why.
///
/// Limits: what is still in the buffer when the process is killed is lost. A process that ends by itself
/// calls `flush` first.
package final class LogRing: Sendable {
    private struct State {
        var lines: [UInt8] = []
        /// Bytes that the writer has taken and not yet written.
        var taken = 0
        /// Lines dropped since the last one that told of it.
        var untold = 0
        /// Whether the writer waits for `work`.
        var isIdle = false
        /// Who wants to know when everything is written.
        var flushes: [DispatchSemaphore] = []
    }

    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    /// Told where lines aren't to be gathered any longer.
    private let urgent = DispatchSemaphore(value: 0)
    private let capacity: Int
    private let reserve: Int
    private let dropped = Counter(label: "registry_log_lines_dropped_total")
    private let notice: @Sendable (_ dropped: Int) -> String
    private let put: @Sendable (UnsafeRawBufferPointer) -> Int
    private let waitUntilWritable: @Sendable () -> Void

    /// How long a first line waits for others, so that the writer isn't woken for each.
    private static let gathering = DispatchTimeInterval.milliseconds(2)
    /// Bytes that wait for the descriptor, at most: some 16,000 lines.
    package static let capacity = 4 << 20

    /// Makes the thread too; it lasts as long as the process.
    ///
    /// - Parameter descriptor: may block, may be non-blocking, and may have no reader any more.
    package convenience init(descriptor: Int32, capacity: Int = LogRing.capacity) {
        self.init(
            capacity: capacity, notice: Self.droppedLine,
            put: { Foundation.write(descriptor, $0.baseAddress, $0.count) },
            waitUntilWritable: {
                var list = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&list, 1, 1000)
            })
    }

    /// - Parameters:
    ///   - capacity: bytes; a quarter of them is for lines from `warning` on.
    ///   - notice: the line that tells of so many dropped ones, its newline included.
    ///   - put: like write(2): gives the number of bytes it took, or -1 and `errno`.
    ///   - waitUntilWritable: called after `EAGAIN`.
    init(
        capacity: Int, notice: @escaping @Sendable (_ dropped: Int) -> String,
        put: @escaping @Sendable (UnsafeRawBufferPointer) -> Int,
        waitUntilWritable: @escaping @Sendable () -> Void = {}
    ) {
        self.capacity = capacity
        reserve = capacity / 4
        self.notice = notice
        self.put = put
        self.waitUntilWritable = waitUntilWritable
        let thread = Thread { [self] in run() }
        thread.name = "log-writer"
        thread.start()
    }

    /// Adds a line, its newline included, or drops it.
    package func append(_ line: String, _ level: Logger.Level = .info) {
        var line = line
        let wakes = line.withUTF8 { utf8 in
            state.withLock { state in
                let room = capacity - state.lines.count - state.taken
                guard utf8.count <= (level >= .warning ? room : room - reserve) else {
                    state.untold += 1
                    dropped.increment()
                    return false
                }
                state.lines.append(contentsOf: utf8)
                defer { state.isIdle = false }
                return state.isIdle
            }
        }
        if wakes { work.signal() }
    }

    /// Returns when everything that was added before is written, or after `limit`: a reader that hangs
    /// must not keep the process.
    package func flush(within limit: DispatchTimeInterval = .seconds(1)) {
        let done = DispatchSemaphore(value: 0)
        let isWritten = state.withLock { state in
            guard !state.lines.isEmpty || state.taken > 0 || state.untold > 0 else { return true }
            state.flushes.append(done)
            return false
        }
        guard !isWritten else { return }
        urgent.signal()
        _ = done.wait(timeout: .now() + limit)
    }

    // MARK: The writer's thread

    private func run() {
        // Without a reader, a pipe gives EPIPE then, and not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var isAtLineStart = true
        while true {
            let lines = take()
            guard !lines.isEmpty else {
                work.wait()
                _ = urgent.wait(timeout: .now() + Self.gathering)
                continue
            }
            lines.withUnsafeBytes { write($0, &isAtLineStart) }
        }
    }

    /// Everything that waits; empty where nothing does: then the writer is to wait for `work`.
    private func take() -> [UInt8] {
        state.withLock { state in
            state.taken = 0
            if state.untold > 0 {
                state.lines.append(contentsOf: notice(state.untold).utf8)
                state.untold = 0
            }
            guard state.lines.isEmpty else {
                state.taken = state.lines.count
                defer { state.lines = [] }
                return state.lines
            }
            state.isIdle = true
            for flush in state.flushes { flush.signal() }
            state.flushes = []
            return []
        }
    }

    /// Whole lines in one write(2), as many as the kernel keeps together on a pipe that others write to
    /// as well; a longer line goes alone.
    private func write(_ lines: UnsafeRawBufferPointer, _ isAtLineStart: inout Bool) {
        var rest = lines
        while !rest.isEmpty {
            let part = rest.wholeLines(within: Int(PIPE_BUF))
            rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
            if !isAtLineStart {
                // What is left of a line that broke off mustn't swallow the next one.
                isAtLineStart = withUnsafeBytes(of: UInt8(ascii: "\n")) { writeWhole($0) == 1 }
            }
            let count = writeWhole(part)
            if count > 0 { isAtLineStart = part[count - 1] == UInt8(ascii: "\n") }
            if count < part.count {
                let lost = part[count...].count { $0 == UInt8(ascii: "\n") }
                dropped.increment(by: Int64(lost))
            }
            state.withLock { $0.taken -= part.count }
        }
    }

    /// - Returns: how many bytes were taken before an error. There is nowhere to report it: the
    ///   descriptor has no reader any more, or its disk is full, and the next line may fare better.
    private func writeWhole(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        while count < bytes.count {
            let taken = put(UnsafeRawBufferPointer(rebasing: bytes[count...]))
            if taken < 0, errno == EINTR { continue }
            if taken < 0, errno == EAGAIN {
                waitUntilWritable()
                continue
            }
            guard taken > 0 else { return count }
            count += taken
        }
        return count
    }

    private static func droppedLine(_ count: Int) -> String {
        var line = JSONText()
        line.open("{")
        line.key("time")
        line.string(WallTime.now().rfc3339)
        line.key("level")
        line.string(Logger.Level.warning.rawValue)
        line.key("logger")
        line.string("tenant-registry")
        line.key("message")
        line.string("log lines were dropped: whoever reads the log was too slow")
        line.members(["lines": "\(count)"])
        line.close("}")
        return line.line
    }
}

extension UnsafeRawBufferPointer {
    /// The lines at the beginning that take `limit` bytes at most, or the first one if it takes more.
    fileprivate func wholeLines(within limit: Int) -> UnsafeRawBufferPointer {
        guard count > limit else { return self }
        let newline = UInt8(ascii: "\n")
        let end = self[..<limit].lastIndex(of: newline) ?? self[limit...].firstIndex(of: newline)
        return UnsafeRawBufferPointer(rebasing: self[...(end ?? count - 1)])
    }
}
