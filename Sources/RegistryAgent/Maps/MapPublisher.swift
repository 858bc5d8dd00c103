import AsyncWaiting
import DurableFiles
import Foundation
import Logging
import Metrics
import RegistryModel
import RoutingTable

/// Keeps map files as the table is, and tells proxies of it. Only when all of that has succeeded, and `confirm` too, is a
/// revision said to be applied: a proxy that reads a file hasn't seen a move before.
actor MapPublisher {
    struct Settings: Sendable {
        var targets: [MapTarget]
        /// The rest between two writings: a change after it counts at once, and what comes meanwhile goes along. Nil: as long as
        /// the last one took, `longestRest` at most, so that proxies spend half of their time at most on maps, and moves one
        /// after the other needn't wait for what costs little.
        var debounce: Duration?
        /// Called after files have changed, with the paths of those that have.
        var onChange: OnChange?
        /// Called after that, before a revision is said to be applied: it takes as long as a proxy still answers somebody by
        /// maps of before. The next maps are written and told of meanwhile. One runs at a time.
        var confirm: OnChange?
        var haproxy: HAProxySocket?
        var admission = SnapshotGuard()
        /// Bytes in a name, for which the proxy's maps have room.
        var longestKey = FQDN.maximumBytes
        var backoff = Backoff(first: .milliseconds(500), longest: .seconds(15))
    }

    private static let longestRest = Duration.milliseconds(200)

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let table: any RoutingTable
    private let settings: Settings
    private let written: @Sendable () -> Void
    private let applied: @Sendable (Position) -> Void
    private let logger: Logger
    /// The table has changed, or may have; or it's time to look after the proxies.
    nonisolated let wakeup = Wakeup()
    private nonisolated let executor = BlockingExecutor("agent-maps")
    private var published: Position?
    private var confirmed: Position?
    /// Something was published that has to be confirmed.
    private nonisolated let publications = Wakeup()
    /// Lines of the files, as they are.
    private var count: Int?
    private var digests: [MapTarget: [UInt8]] = [:]
    /// What the proxies haven't heard of yet.
    private var untold: Set<MapTarget>
    private var haproxyIdentity: String?
    /// What HAProxy has of each map, by its own count.
    private var haproxyVersions: [MapTarget: Int] = [:]
    /// What the files have otherwise than HAProxy, where that's little.
    private var differences: [MapTarget: MapDifference] = [:]
    private let writes = Counter(label: "registry_agent_map_writes_total")
    private let failures = Counter(label: "registry_agent_map_failures_total")
    private let revision = Gauge(label: "registry_agent_map_revision")

    /// - Parameters:
    ///   - written: called when the files of a table are there, or can't be.
    ///   - applied: called with each position that the proxies have.
    init(
        _ table: any RoutingTable, _ settings: Settings, logger: Logger,
        written: @escaping @Sendable () -> Void = {},
        applied: @escaping @Sendable (Position) -> Void
    ) {
        self.table = table
        self.settings = settings
        self.logger = logger
        self.written = written
        self.applied = applied
        // Whether a proxy has read the files that are there, nobody knows.
        untold = Set(settings.targets)
        writes.increment(by: 0)
        failures.increment(by: 0)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.publishChanges() }
            group.addTask { await self.confirmPublications() }
        }
    }

    private func publishChanges() async {
        var next = ContinuousClock.now
        for await _ in wakeup {
            // Nothing is late before there is a table.
            guard table.position != nil,
                table.position != published || !untold.isEmpty || hasNewProxy()
            else { continue }
            var failed = 0
            var wait = max(.zero, next - .now)
            while (try? await Task.sleep(for: wait)) != nil {
                let began = ContinuousClock.now
                do {
                    try await publish()
                    next = .now + rest(after: began.duration(to: .now))
                    break
                } catch {
                    failed += 1
                    failures.increment()
                    wait = settings.backoff.wait(
                        after: failed, chance: Double.random(in: 0...1))
                    logger.error(
                        "the proxies don't have the table yet",
                        metadata: ["error": "\(error)", "tries": "\(failed)"])
                }
            }
        }
    }

    nonisolated func rest(after writing: Duration) -> Duration {
        settings.debounce ?? min(writing, Self.longestRest)
    }

    func publish() async throws {
        let copy = try table.packed()
        try write(copy)
        try await tell(copy)
        published = copy.position
        if settings.confirm == nil { report(copy.position) } else { publications.wake() }
    }

    /// A later position may be published while one is confirmed: what was published before is reported all the same, or
    /// steady changes would put off the report for ever.
    private func confirmPublications() async {
        for await _ in publications {
            var failed = 0
            while let position = published, position != confirmed {
                guard let failure = await settings.confirm?(position, []) else {
                    report(position)
                    continue
                }
                failed += 1
                failures.increment()
                logger.error(
                    "the proxies may still answer by maps of before",
                    metadata: ["error": "\(failure)", "tries": "\(failed)"])
                let wait = settings.backoff.wait(after: failed, chance: Double.random(in: 0...1))
                guard (try? await Task.sleep(for: wait)) != nil else { return }
            }
        }
    }

    private func report(_ position: Position) {
        confirmed = position
        revision.record(position.revision.number)
        applied(position)
    }

    private func write(_ copy: PackedTable) throws {
        defer { written() }
        try validate(copy.count)
        var files: [(MapTarget, DurableFile, MapDifference?)] = []
        for target in settings.targets {
            let comparison = comparison(target)
            let file = try MapFile.write(
                copy, target, longest: settings.longestKey, comparison: comparison)
            differences[target] = nil
            guard digests[target] != file.digest else { continue }
            try file.sync()
            files.append((target, file, comparison?.end()))
        }
        // All are whole before the first takes its place.
        for (target, file, difference) in files {
            untold.insert(target)
            try file.keep()
            digests[target] = file.digest
            differences[target] = difference
        }
        count = copy.count
        if !files.isEmpty { writes.increment() }
    }

    /// Of a map that HAProxy has as the file is.
    private func comparison(_ target: MapTarget) -> MapComparison? {
        guard haproxyVersions[target] != nil, !untold.contains(target),
            let digest = digests[target]
        else { return nil }
        return try? MapComparison(target.path, digest: digest)
    }

    /// Of whole files too, which a proxy reads instead of the table: a map that has lost much at once is
    /// more likely to be wrong than right.
    private func validate(_ new: Int) throws {
        let old = count ?? existingCount()
        guard new > 0 || settings.admission.acceptsShrink else {
            throw Failure(description: "the table is empty; no map is written")
        }
        guard !settings.admission.isShrunken(from: old, to: new) else {
            throw Failure(
                description:
                    "the map would shrink from \(old) lines to \(new); start with --accept-shrink if that's right"
            )
        }
    }

    private func existingCount() -> Int {
        let counts = settings.targets.compactMap { target in
            // Comments are somebody's who made the file before the agent.
            var (count, isComment, isStart) = (0, false, true)
            let isThere: Void? = try? FileChunks.read(target.path) { piece in
                for byte in piece {
                    if isStart { isComment = byte == UInt8(ascii: "#") }
                    isStart = byte == 0x0A
                    if isStart, !isComment { count += 1 }
                }
            }
            // An empty one says nothing of the others.
            return isThere == nil || count == 0 ? nil : count
        }
        return counts.min() ?? 0
    }

    private func tell(_ copy: PackedTable) async throws {
        guard !untold.isEmpty || hasNewProxy() else { return }
        if let haproxy = settings.haproxy { try push(copy, haproxy) }
        try await runOnChange(at: copy.position)
        untold = []
        differences = [:]
    }

    // Apart from `tell`: as one function the release compiler crashes on it (Swift 6.3.1).
    private func runOnChange(at position: Position) async throws {
        guard let onChange = settings.onChange, !untold.isEmpty else { return }
        let failure = await onChange(position, untoldPaths())
        guard let failure else { return }
        throw Failure(description: "the command after a change \(failure)")
    }

    private func untoldPaths() -> [String] {
        settings.targets.filter { untold.contains($0) }.map(\.path)
    }

    private func hasNewProxy() -> Bool {
        guard let haproxy = settings.haproxy, let identity = try? haproxy.identity() else {
            return false
        }
        return identity != haproxyIdentity
    }

    private func push(_ copy: PackedTable, _ haproxy: HAProxySocket) throws {
        let identity = try haproxy.identity()
        for target in settings.targets where target.format == .haproxy {
            guard untold.contains(target) || identity != haproxyIdentity else { continue }
            if identity == haproxyIdentity,
                let difference = differences.removeValue(forKey: target),
                let version = haproxyVersions[target],
                (try? haproxy.change(target.path, difference, version: version)) == true
            {
                continue
            }
            do {
                haproxyVersions[target] = nil
                haproxyVersions[target] = try haproxy.replace(
                    target.path, withLinesOf: target.path, digest: digests[target] ?? [])
            } catch {
                if error.isForeign { digests[target] = nil }
                throw error
            }
        }
        haproxyIdentity = identity
    }
}

/// Runs the operator's command. Returns nil where it succeeded, else what became of it: "ended with 1".
package typealias OnChange = @Sendable (Position, _ paths: [String]) async -> String?
