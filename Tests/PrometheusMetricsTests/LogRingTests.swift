import Foundation
import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite("The log's buffer", .timeLimit(.minutes(15))) struct LogRingTests {
    /// A write(2) that does as it is told, and may hang.
    private final class Script: Sendable {
        private struct State {
            var steps: [Int]
            var written: [UInt8] = []
            var sizes: [Int] = []
        }

        private let state: Mutex<State>
        private let gate = DispatchSemaphore(value: 0)
        private let entered = DispatchSemaphore(value: 0)
        private let hangs: Bool

        /// - Parameters:
        ///   - steps: the bytes to take, or the negative of an `errno`; then everything.
        ///   - hangs: whether calls wait until `release`.
        init(_ steps: [Int] = [], hangs: Bool = false) {
            state = Mutex(State(steps: steps))
            self.hangs = hangs
        }

        var written: String { state.withLock { String(decoding: $0.written, as: UTF8.self) } }
        var lines: [Substring] { written.split(separator: "\n") }
        /// Bytes of each call.
        var sizes: [Int] { state.withLock { $0.sizes } }

        /// Returns once a call hangs.
        func waitForCall() { entered.wait() }

        /// Lets all calls through from now on.
        func release() { for _ in 0..<100_000 { gate.signal() } }

        func put(_ bytes: UnsafeRawBufferPointer) -> Int {
            entered.signal()
            if hangs { gate.wait() }
            let chunk = Array(bytes)
            return state.withLock { state in
                state.sizes.append(chunk.count)
                let step = state.steps.isEmpty ? chunk.count : state.steps.removeFirst()
                guard step >= 0 else {
                    errno = Int32(-step)
                    return -1
                }
                state.written += chunk.prefix(step)
                return step
            }
        }
    }

    private func ring(_ script: Script, capacity: Int = 64 * 1024) -> LogRing {
        LogRing(capacity: capacity, notice: { "dropped \($0)\n" }, put: { script.put($0) })
    }

    @Test func `keeps nobody waiting for a reader that hangs, drops what doesn't fit, and says so`()
    {
        let script = Script(hangs: true)
        let ring = ring(script, capacity: 8000)
        ring.append("first\n")
        script.waitForCall()
        // Comes back at all: nobody reads.
        for number in 0..<1000 { ring.append("line \(number)\n") }
        script.release()
        ring.flush(within: .seconds(200))
        let lines = script.lines
        let kept = lines.filter { $0.hasPrefix("line ") }
        #expect(lines.first == "first")
        #expect(kept == (0..<kept.count).map { "line \($0)" })
        #expect(kept.count > 500 && kept.count < 1000)
        #expect(lines.filter { $0.hasPrefix("dropped") } == ["dropped \(1000 - kept.count)"])
    }

    @Test func `keeps room for warnings when access lines have filled theirs`() {
        let script = Script(hangs: true)
        let ring = ring(script, capacity: 4000)
        ring.append("first\n")
        script.waitForCall()
        for number in 0..<1000 { ring.append("line \(number)\n", .info) }
        ring.append("an error\n", .error)
        script.release()
        ring.flush(within: .seconds(200))
        #expect(script.lines.contains("an error"))
    }

    @Test func `a flush ends although the reader hangs`() {
        let script = Script(hangs: true)
        let ring = ring(script)
        ring.append("a line\n")
        script.waitForCall()
        ring.flush(within: .milliseconds(1))
        #expect(script.written.isEmpty)
        script.release()
    }

    @Test func `goes on after a part, an interruption, and a descriptor that isn't ready`() {
        let script = Script([1, -Int(EINTR), 3, -Int(EAGAIN)])
        let ring = ring(script)
        ring.append("a línea\n")
        ring.flush(within: .seconds(200))
        #expect(script.written == "a línea\n")
        #expect(script.sizes.count == 5)
    }

    @Test(arguments: [-Int(EPIPE), -Int(EBADF), -Int(ENOSPC), 0])
    func `gives a line up on an error, and begins the next one on a line of its own`(step: Int) {
        let script = Script([2, step])
        let ring = ring(script)
        ring.append("first\n")
        ring.flush(within: .seconds(200))
        ring.append("second\n")
        ring.flush(within: .seconds(200))
        #expect(script.written == "fi\nsecond\n")
    }

    @Test func `writes whole lines together, no more than a pipe keeps together`() {
        let script = Script(hangs: true)
        let ring = ring(script)
        ring.append("first\n")
        script.waitForCall()
        let short = String(repeating: "s", count: 999) + "\n"
        for _ in 0..<8 { ring.append(short) }
        ring.append(String(repeating: "l", count: 9999) + "\n")
        ring.append(short)
        script.release()
        ring.flush(within: .seconds(200))
        #expect(script.sizes == [6, 4000, 4000, 10_000, 1000])
    }

    @Test func `keeps lines of many threads whole, also beyond what a pipe takes at once`() throws {
        let pipe = Pipe()
        let threads = 8
        let rounds = 20
        let reader = Reader(pipe.fileHandleForReading)
        let ring = LogRing(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, capacity: 100_000_000)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for _ in 0..<rounds {
                ring.append(String(repeating: "\(thread)", count: 100_000) + "\n")
            }
        }
        ring.flush(within: .seconds(200))
        try pipe.fileHandleForWriting.close()
        let lines = withExtendedLifetime(pipe) { reader.text() }.split(separator: "\n")
        #expect(lines.count == threads * rounds)
        #expect(lines.allSatisfy { $0.utf8.count == 100_000 && Set($0.utf8).count == 1 })
    }

    /// Empties a pipe on a thread of its own, so that the writers aren't stuck.
    private final class Reader: Sendable {
        private let read = Mutex(Data())
        private let isDone = DispatchSemaphore(value: 0)

        init(_ handle: FileHandle) {
            let descriptor = handle.fileDescriptor
            Thread.detachNewThread { [self] in
                let source = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
                let data = (try? source.readToEnd()) ?? nil
                read.withLock { $0 = data ?? Data() }
                isDone.signal()
            }
        }

        func text() -> String {
            isDone.wait()
            return String(decoding: read.withLock { $0 }, as: UTF8.self)
        }
    }
}
