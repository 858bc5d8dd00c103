import DurableFiles
import Foundation
import Logging
import Metrics
import RegistryModel
import ServiceLifecycle

/// Which backups a service makes by itself.
struct BackupPlan: Sendable {
    var place: BackupPlace
    /// From one to the next.
    var interval: Duration
    /// How many of the newest ones are kept.
    var keep: Int
}

/// Makes backups of the embedded store, one after the other. Each is checked as `tenant-registry backup` does, at a pace that
/// leaves the disk to others, and old ones go when a new one is there, never before.
struct BackupSchedule: Service {
    private let plan: BackupPlan
    private let store: any Store
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let gauges: BackupGauges
    /// Writes that wait for a disk: the pool's threads answer requests.
    private let queue = DispatchQueue(label: "backups")

    /// Before it's tried again where one failed.
    private static let retryAfter = Duration.seconds(300)
    private static let pieceSize = 1 << 20

    init(
        _ plan: BackupPlan, _ store: any Store, gauges: BackupGauges,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        (self.plan, self.store, self.gauges) = (plan, store, gauges)
        (self.now, self.logger) = (now, logger)
    }

    func run() async throws {
        gauges.begin(plan.interval, newest: newest?.takenAt)
        try? await cancelWhenGracefulShutdown {
            try await Task.sleep(for: firstDelay())
            while true {
                let isMade = await once()
                try await Task.sleep(
                    for: isMade ? plan.interval : min(plan.interval, Self.retryAfter))
            }
        }
    }

    private var newest: BackupFolder.Entry? { (try? plan.place.folder().entries())?.last }

    /// Until the next one is due, after the newest that is there. One of a time to come was made by another clock.
    func firstDelay() -> Duration {
        guard let newest else { return .zero }
        let age = now().since(newest.takenAt)
        return age < .zero ? .zero : max(.zero, plan.interval - age)
    }

    /// - Returns: whether there is one more.
    func once() async -> Bool {
        let begun = ContinuousClock.now
        do {
            let folder = try plan.place.folder()
            let (entry, copy) = try await make(in: folder)
            gauges.made(at: entry.takenAt, copy.byteCount)
            logger.info(
                "a backup was made",
                metadata: [
                    "file": "\(folder.url.appendingPathComponent(entry.name).path)",
                    "revision": "\(copy.head.revision)", "bytes": "\(copy.byteCount)",
                    "seconds": "\(begun.duration(to: .now) / .seconds(1))",
                ])
            do {
                try plan.place.folder().prune(keeping: plan.keep)
                gauges.pruned(true)
            } catch {
                gauges.pruned(false)
                logger.warning("old backups stay", metadata: ["error": "\(error)"])
            }
            return true
        } catch is CancellationError {
            return false
        } catch {
            gauges.failed()
            logger.error(
                "a scheduled backup couldn't be made",
                metadata: ["folder": "\(plan.place.path)", "error": "\(error)"])
            return false
        }
    }

    private func make(
        in folder: BackupFolder
    ) async throws -> (BackupFolder.Entry, StoreCopy) {
        let copy = try await store.backup()
        let takenAt = now()
        let file = try folder.makeFile()
        defer { file.discard() }
        var offset: Int64 = 0
        while offset < copy.byteCount {
            try Task.checkCancellation()
            offset += try await write(from: offset, of: copy, to: file)
        }
        try await onQueue(file) { try $0.sync() }
        _ = try await file.check(pace: .background) { _ in }
        try Task.checkCancellation()
        // Where the volume went meanwhile, nothing of what its mount point has is ours.
        guard folder.isThere else { throw FileFailure(folder.url.path, "found again", ENOENT) }
        try file.keep()
        return (try folder.add(at: takenAt), copy)
    }

    /// - Returns: how many bytes were written.
    private func write(
        from offset: Int64, of copy: StoreCopy, to file: BackupFile
    ) async throws -> Int64 {
        try await onQueue(file) { file in
            let bytes = try copy.read(offset, Self.pieceSize)
            // A copy that ends before its size is no copy.
            guard !bytes.isEmpty else { throw POSIXError(.EIO) }
            try file.write(bytes)
            return Int64(bytes.count)
        }
    }

    private func onQueue<Value: Sendable>(
        _ file: BackupFile, _ body: @escaping @Sendable (BackupFile) throws -> Value
    ) async throws -> Value {
        // Whoever waits for the queue doesn't touch the file meanwhile, and nobody else has it.
        nonisolated(unsafe) let file = file
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body(file) }) }
        }
    }
}

/// What is told of backups; all of it 0 where none are to be made.
struct BackupGauges: Sendable {
    private let interval = Gauge(label: "registry_backup_interval_seconds")
    private let takenAt = Gauge(label: "registry_backup_timestamp_seconds")
    private let isMade = Gauge(label: "registry_backup_ok")
    private let bytes = Gauge(label: "registry_backup_bytes")
    private let isPruned = Gauge(label: "registry_backup_prune_ok")

    init() {
        for gauge in [interval, takenAt, isMade, bytes, isPruned] { gauge.record(0) }
    }

    /// - Parameter newest: the one that is there from before.
    func begin(_ length: Duration, newest: Timestamp?) {
        interval.record(length / .seconds(1))
        // Nothing is due to go before there is one more.
        isPruned.record(1)
        guard let newest else { return }
        takenAt.record(newest.milliseconds / 1000)
        isMade.record(1)
    }

    func made(at time: Timestamp, _ count: Int64) {
        takenAt.record(time.milliseconds / 1000)
        bytes.record(count)
        isMade.record(1)
    }

    func failed() { isMade.record(0) }

    /// - Parameter isDone: whether those that were to go have gone.
    func pruned(_ isDone: Bool) { isPruned.record(isDone ? 1 : 0) }
}
