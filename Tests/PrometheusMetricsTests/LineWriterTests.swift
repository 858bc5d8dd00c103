import Foundation
import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite("Writing a line", .timeLimit(.minutes(5))) struct LineWriterTests {
    /// A write(2) that does as it is told.
    private final class Script: Sendable {
        private struct State {
            var steps: [Int]
            var written: [UInt8] = []
            var calls = 0
        }

        private let state: Mutex<State>

        /// - Parameter steps: the bytes to take, or the negative of an `errno`; then everything.
        init(_ steps: [Int]) { state = Mutex(State(steps: steps)) }

        var written: String { state.withLock { String(decoding: $0.written, as: UTF8.self) } }
        var calls: Int { state.withLock { $0.calls } }

        func put(_ bytes: UnsafeRawBufferPointer) -> Int {
            let chunk = Array(bytes)
            return state.withLock { state in
                state.calls += 1
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

    @Test func `takes one call`() {
        let script = Script([])
        LineWriter(put: script.put).append("a line\n")
        #expect(script.written == "a line\n")
        #expect(script.calls == 1)
    }

    @Test func `goes on after a part and after an interruption`() {
        let script = Script([1, -Int(EINTR), 3, -Int(EINTR)])
        LineWriter(put: script.put).append("a línea\n")
        #expect(script.written == "a línea\n")
        #expect(script.calls == 5)
    }

    @Test(arguments: [-Int(EPIPE), -Int(EBADF), 0])
    func `gives up on an error and doesn't mind`(step: Int) {
        let script = Script([2, step])
        let writer = LineWriter(put: script.put)
        writer.append("first\n")
        #expect(script.calls == 2)
        writer.append("second\n")
        #expect(script.written == "fisecond\n")
    }

    @Test func `keeps lines of many threads whole, also beyond what a pipe takes at once`() throws {
        let pipe = Pipe()
        let threads = 8
        let rounds = 20
        let reader = Reader(pipe.fileHandleForReading)
        let writer = LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for _ in 0..<rounds {
                writer.append(String(repeating: "\(thread)", count: 100_000) + "\n")
            }
        }
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
