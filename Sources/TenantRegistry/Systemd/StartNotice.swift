import NIOCore
import NIOPosix
import RegistryService
import ServiceLifecycle
import Synchronization

/// Tells the service manager that the start is over, when the last of its parts is done: `systemctl start` returns then,
/// and what is ordered after this service starts.
final class StartNotice: Sendable {
    private let manager: ServiceManager?
    private let missing: Atomic<Int>

    /// - Parameter parts: how many of them call `done`.
    init(_ manager: ServiceManager?, parts: Int) {
        self.manager = manager
        missing = Atomic(parts)
    }

    func done() {
        guard missing.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 else { return }
        manager?.tell("READY=1")
    }
}

/// Tells the service manager, twice in each interval that it watches, that the service is alive: after every event loop
/// and the routing table have answered, so that one that hangs is as silent as a dead process.
///
/// It asks neither the disk nor a database: a registry that can't reach those still answers lookups, and starting it
/// anew would mend neither.
struct Watchdog: Service {
    private let manager: ServiceManager
    private let interval: Duration
    private let eventLoops: any EventLoopGroup
    private let askTable: @Sendable () -> Void

    /// `nil`: nobody watches.
    ///
    /// - Parameter askTable: returns when the table has answered, whatever it has said.
    init?(
        _ manager: ServiceManager?,
        eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        asks askTable: @escaping @Sendable () -> Void
    ) {
        guard let manager, let interval = manager.watchdog else { return nil }
        self.manager = manager
        self.interval = interval
        self.eventLoops = eventLoops
        self.askTable = askTable
    }

    func run() async {
        await repeatUntilShutdown(every: interval / 2, restsFirst: false) {
            for loop in eventLoops.makeIterator() {
                guard (try? await loop.submit {}.get()) != nil else { return }
            }
            askTable()
            manager.tell("WATCHDOG=1")
        }
    }
}
