import DurableFiles
import Foundation
import Logging
import NIOCore
import NIOPosix
import PrometheusMetrics
import RegistryHTTP
import RegistryModel
import ServiceLifecycle
import Synchronization

/// The system's clock, as the store's.
enum SystemClock {
    @Sendable static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Where the operator finds the first token.
enum AdminTokenFile {
    static let name = "admin-token"

    /// Readable by its owner alone; on the disk, name and all, when this returns.
    static func write(_ token: String, to file: URL) throws {
        do {
            try DurableFile.write("\(token)\n".utf8, to: file.path, .fixed(0o600))
        } catch {
            throw CommandFailure(error)
        }
    }
}

/// Ends the process when the store can't be trusted any more: the next start recovers.
struct StoreWatch: Service {
    struct StoreFailed: Error {}

    let store: any Store

    func run() async throws {
        let hasFailed = await cancelWhenGracefulShutdown {
            await store.waitForFailure()
            return !Task.isCancelled
        }
        if hasFailed { throw StoreFailed() }
    }
}

/// The sockets that are open for connections. They accept none any more before they're closed: one
/// that was accepted and isn't anybody's yet would be closed with them, under its first request.
/// Where the service manager keeps the socket, whoever comes then is the next process'.
final class OpenListeners: Sendable {
    private let channels = Mutex<[any Channel]>([])

    func add(_ channel: any Channel) {
        channels.withLock { $0.append(channel) }
    }

    func stopAccepting() async {
        let channels = channels.withLock { $0 }
        for channel in channels { try? await channel.setOption(.autoRead, value: false).get() }
        // What was accepted goes to its own loop, and comes back: each has done so when it has done this.
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            try? await loop.submit {}.get()
        }
        for channel in channels { try? await channel.eventLoop.submit {}.get() }
    }
}

/// The first step of a graceful stop: not ready any more, and answers close their connections,
/// while the listener is still open.
struct Drain: Service {
    let signal: DrainSignal
    let listeners: OpenListeners
    let delay: Duration
    /// What the whole stop may take, for whoever would end it otherwise.
    let limit: Duration
    let manager: ServiceManager?
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        signal.raise()
        manager?.tell(
            "STOPPING=1", "EXTEND_TIMEOUT_USEC=\(Int64(limit / .microseconds(1)))")
        logger.info("stopping", metadata: ["drain_seconds": "\(delay.components.seconds)"])
        // The task isn't cancelled by a graceful stop; only a forced one ends the wait early.
        if delay > .zero { try? await Task.sleep(for: delay) }
        await listeners.stopAccepting()
    }
}

/// An application that says where it couldn't listen.
struct Listener: Service {
    let address: ListenAddress
    let application: any Service

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw failure(String(cString: strerror(error.errnoCode)))
        } catch let error as SocketAddressError.UnknownHost {
            throw failure("there is no host \(error.host)")
        } catch is UnixDomainSocketPathWrongType {
            throw failure("something else is there")
        }
    }

    private func failure(_ why: String) -> CommandFailure {
        .failed("can't listen on \(address): \(why)")
    }
}

/// Where the lines of a service's log go: JSON on standard error, through a buffer, so that nobody who
/// serves requests waits for whoever reads them.
enum ServiceLog {
    /// Once in a process, after the metrics' own bootstrap: what is dropped is counted there.
    static func start() -> LogRing {
        let ring = LogRing(descriptor: 2)
        LoggingSystem.bootstrap { label in
            JSONLogHandler(label: label) { ring.append($0, $1) }
        }
        return ring
    }
}
