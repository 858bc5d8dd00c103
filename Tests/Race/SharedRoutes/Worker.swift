import Foundation
import Synchronization

/// A thread that is joined. The sanitizer knows what is ordered by that, which it doesn't of semaphores and queues: their
/// library isn't instrumented.
final class Worker {
    private var thread = pthread_t()

    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(body))
        let code = pthread_create(
            &thread, nil,
            { start in
                guard let start else { return nil }
                Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        precondition(code == 0, "there's no thread to be had")
    }

    func join() { pthread_join(thread, nil) }
}

/// What threads tell one another, with no order: it must not hide that something else has none.
final class Course: Sendable {
    private let ended = Atomic(false)
    private let lookups = Atomic(0)
    private let passed = Atomic(0)
    private let found = Mutex<[String]>([])

    var isOver: Bool { ended.load(ordering: .relaxed) }
    var faults: [String] { found.withLock(\.self) }
    var read: Int { lookups.load(ordering: .relaxed) }

    /// How often the file's removal has begun or ended: odd while there may be none.
    var removals: Int { passed.load(ordering: .relaxed) }

    func passRemoval() { passed.add(1, ordering: .relaxed) }

    func end() { ended.store(true, ordering: .relaxed) }

    func count(_ lookups: Int) { self.lookups.add(lookups, ordering: .relaxed) }

    func fail(_ fault: String) {
        found.withLock { $0.append(fault) }
        end()
    }
}
