import CTenantRoutes
import Foundation
import RegistryModel
import RoutingTable
import Synchronization
import TableSamples
import Testing

@testable import SharedRoutes

/// How an open file's successors are found, and what becomes of those who still stand in the file.
@Suite("A handle of shared routes") struct RoutesHandleTests {
    private static func open(_ folder: RoutesFolder) throws -> RoutesHandle {
        guard case .open(let handle) = RoutesHandle.open(folder.path) else {
            throw SharedRoutesFailure("\(folder.path) isn't there")
        }
        return handle
    }

    /// The revision of the first domain; nil: it isn't there.
    private static func revision(_ view: RoutesView) -> UInt64? {
        fqdn(1).withBytes { name in
            guard let start = name.baseAddress,
                case .found(let answer) = view.find(start, name.count)
            else { return nil }
            return answer.revision
        }
    }

    private static func replace(_ shared: SharedTable, _ revision: Int64) {
        shared.load([domain(1, revision: revision)], revision: revision)
    }

    /// A lookup that has begun in a file, and goes on when it's told to.
    private final class Sleeper: Sendable {
        private let mayGo = DispatchSemaphore(value: 0)
        private let isIn = DispatchSemaphore(value: 0)
        private let ended = DispatchSemaphore(value: 0)
        private let seen = Mutex<[UInt64?]>([])

        init(_ handle: RoutesHandle) {
            let handle = UncheckedHandle(value: handle)
            Thread { [self] in
                handle.value.reading { view in
                    seen.withLock { $0.append(RoutesHandleTests.revision(view)) }
                    isIn.signal()
                    mayGo.wait()
                    seen.withLock { $0.append(RoutesHandleTests.revision(view)) }
                }
                ended.signal()
            }.start()
            isIn.wait()
        }

        /// - Returns: what it saw before and after it slept.
        func wake() -> [UInt64?] {
            mayGo.signal()
            ended.wait()
            return seen.withLock(\.self)
        }
    }

    private struct UncheckedHandle: @unchecked Sendable {
        var value: RoutesHandle
    }

    @Test func `goes on while somebody sleeps in a lookup, and keeps his file for him`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        let sleeper = Sleeper(handle)
        for revision in Int64(2)...50 {
            Self.replace(shared, revision)
            #expect(handle.reading(Self.revision) == UInt64(revision))
        }
        #expect(sleeper.wake() == [1, 1])
        handle.close()
    }

    /// There are eight places for files; each has somebody who sleeps in it. What the old one says isn't so any more.
    @Test func `says nothing while there is no place for the next file, and then follows`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        var sleepers: [Sleeper] = []
        for revision in Int64(1)...8 {
            if revision > 1 { Self.replace(shared, revision) }
            sleepers.append(Sleeper(handle))
        }
        for revision in Int64(9)...12 { Self.replace(shared, revision) }
        #expect(handle.reading(Self.revision) == nil)
        #expect(handle.reading { $0.isReadable } == false)
        #expect(sleepers[3].wake() == [4, 4])
        #expect(handle.reading(Self.revision) == 12)
        for (number, sleeper) in sleepers.enumerated() where number != 3 {
            #expect(sleeper.wake() == [UInt64(number + 1), UInt64(number + 1)])
        }
        handle.close()
    }

    /// A process that was forked while other threads of its parent were mapping: they aren't in it, and their places are lost.
    @Test func `follows in a process that was forked while others were mapping`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        for place in 1...5 {
            handle.claim(place).pointee.store(1, ordering: .sequentiallyConsistent)
        }
        for revision in Int64(2)...20 {
            Self.replace(shared, revision)
            #expect(handle.reading(Self.revision) == UInt64(revision))
        }
        for place in 1...5 {
            handle.claim(place).pointee.store(0, ordering: .sequentiallyConsistent)
        }
        handle.close()
    }

    /// The thread that looked at old files while another one went to a new one.
    @Test func `keeps the file that is current, whoever tidies up`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        let shareable = UncheckedHandle(value: handle)
        let isOver = Atomic(false)
        let ended = DispatchSemaphore(value: 0)
        let lost = Atomic(0)
        for _ in 0..<3 {
            Thread {
                while !isOver.load(ordering: .relaxed) {
                    // It's always time to look, and to tidy up.
                    shareable.value.doubt.pointee.store(0, ordering: .relaxed)
                    if shareable.value.reading(Self.revision) == nil {
                        lost.add(1, ordering: .relaxed)
                    }
                }
                ended.signal()
            }.start()
        }
        for revision in Int64(2)...1_500 { Self.replace(shared, revision) }
        isOver.store(true, ordering: .relaxed)
        for _ in 0..<3 { ended.wait() }
        #expect(lost.load(ordering: .relaxed) == 0)
        handle.close()
    }

    /// Each thread goes to the new file by itself.
    @Test func `answers nothing older than what another thread has just mapped`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        let shareable = UncheckedHandle(value: handle)
        let isOver = Atomic(false)
        let ended = DispatchSemaphore(value: 0)
        let visible = Atomic(UInt64(1))
        let late = Atomic(0)
        for _ in 0..<3 {
            Thread {
                while !isOver.load(ordering: .relaxed) {
                    let least = visible.load(ordering: .sequentiallyConsistent)
                    let found = shareable.value.reading(Self.revision) ?? 0
                    if found < least { late.add(1, ordering: .relaxed) }
                }
                ended.signal()
            }.start()
        }
        for revision in Int64(2)...1_000 {
            Self.replace(shared, revision)
            visible.store(UInt64(revision), ordering: .sequentiallyConsistent)
        }
        isOver.store(true, ordering: .relaxed)
        for _ in 0..<3 { ended.wait() }
        #expect(late.load(ordering: .relaxed) == 0)
        handle.close()
    }

    /// Somebody has put another file there, and nobody has marked the one before.
    @Test func `looks at the path by itself when the agent isn't heard`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        Self.replace(shared, 1)
        let handle = try Self.open(folder)
        let old = try RoutesFile.existing(at: folder.path)
        let elsewhere = try RoutesFolder()
        let other = try elsewhere.share()
        Self.replace(other, 2)
        #expect(rename(elsewhere.path, folder.path) == 0)
        #expect(handle.reading(Self.revision) == 1)
        old.store(RoutesHandle.now() - 10_000, at: RoutesFormat.Field.heardAt)
        // A second has passed since it looked last.
        handle.doubt.pointee.store(0, ordering: .relaxed)
        #expect(handle.reading(Self.revision) == 2)
        withExtendedLifetime((shared, other)) {}
        handle.close()
    }
}

extension RoutesHandle {
    fileprivate var doubt: UnsafeMutablePointer<Atomic<UInt64>> {
        (words + Word.nextDoubt).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
