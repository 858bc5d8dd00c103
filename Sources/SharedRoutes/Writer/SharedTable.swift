import Logging
import RegistryModel
import RoutingTable
import Synchronization

/// A table whose revisions are in a file of routes as well: what is applied to it is visible there by the time that it
/// counts as applied. Reads are the table's.
///
/// Where the file that an agent before has left isn't older than what that one has saved, routes are answered from it at once,
/// and until the table is as far.
package final class SharedTable: RoutingTable {
    private let table: any RoutingTable
    private let lock = Mutex(())
    /// Touched under the lock alone.
    private nonisolated(unsafe) let writer: RoutesWriter
    private let logger: Logger
    /// Nil: nobody has left anything.
    private let left: RoutesReader?
    /// Whether the file is further than the table.
    private let isAhead: Atomic<Bool>
    /// Until the table has been read from the disk, or not.
    private let isStarting = Atomic(true)

    package init(_ table: any RoutingTable, path: String, logger: Logger)
        throws(SharedRoutesFailure)
    {
        self.table = table
        self.logger = logger
        writer = try RoutesWriter(path: path)
        left = writer.position == nil ? nil : try? RoutesReader(path: path)
        isAhead = Atomic(left != nil)
    }

    private func withWriter<Value>(_ body: (RoutesWriter) throws -> Value) rethrows -> Value {
        try lock.withLock { _ in try body(writer) }
    }

    /// What readers of the file see; nil: nothing yet.
    package var shared: Position? { withWriter(\.position) }

    /// Whether readers see what a position says, or what came after.
    package func covers(_ position: Position) -> Bool {
        withWriter { writer in
            guard let shared = writer.position, writer.isFound else { return false }
            return shared.epoch == position.epoch && shared.revision >= position.revision
        }
    }

    /// Whether the file does, whoever has found it.
    private func has(_ position: Position) -> Bool {
        shared.map { $0.epoch == position.epoch && $0.revision >= position.revision } ?? false
    }

    /// What is in the way of it; nil: nothing is.
    package var failure: SharedRoutesFailure? { withWriter(\.failure) }

    /// The table has been read from the disk, or there was none: what comes now is the registry's own.
    package func started() { isStarting.store(false, ordering: .releasing) }

    package var isStarted: Bool { !isStarting.load(ordering: .acquiring) }

    /// Until when readers may let writes through to announced domains, in milliseconds of the clock that counts sleep.
    package func lease(until end: UInt64) { withWriter { $0.leaseEnd = end } }

    /// Announced domains are answered as ever: this agent counts as one that can't fence.
    package func neverFence() { withWriter { $0.leaseEnd = RoutesFormat.endlessLease } }

    /// The agent has heard the registry.
    package func heard() { withWriter { $0.heard() } }

    /// Tries again what couldn't be written, and what somebody has taken away: now and then, for it takes a walk through the
    /// table.
    package func retry() {
        guard let position else { return }
        guard withWriter(\.hasLock) else {
            // Another agent may have the path by now.
            let failure = SharedRoutesFailure(
                "somebody has taken the lock of the shared routes away")
            if self.failure != failure {
                logger.error("\(failure)")
                withWriter { $0.fail(failure) }
            }
            return
        }
        // The file of another epoch that was left is one that the registry has gone back from.
        if !has(position) || withWriter({ $0.failure != nil || !$0.isInPlace }) { copy() }
        catchUp()
    }

    /// The table has all that the registry has, as it has just said.
    package func isCurrent() {
        if let position, has(position) { withWriter { $0.isWhole() } }
    }

    /// Whether what an agent has saved is of a later revision than the file that was left: then that isn't gone on with.
    package func isOlder(than saved: Position) -> Bool {
        shared.map { $0.epoch == saved.epoch && $0.revision < saved.revision } ?? true
    }

    /// Brings the file to where the table is, unless it's there or further. A table of another epoch that was read from the
    /// disk is of before: whoever was killed had shared it first.
    fileprivate func share() {
        guard let position else { return }
        let isOlder = !isStarted && left != nil && shared?.epoch != position.epoch
        if failure != nil || !isOlder && !has(position) { copy() }
        catchUp()
    }

    /// Answers from the table once it's where the file is.
    private func catchUp() {
        guard isAhead.load(ordering: .relaxed), let position, let shared,
            shared.epoch == position.epoch, shared.revision <= position.revision
        else { return }
        isAhead.store(false, ordering: .releasing)
    }

    /// Makes the file anew from the table. Whoever applies to it waits meanwhile.
    private func copy() {
        do {
            try replace()
        } catch let failure as SharedRoutesFailure {
            withWriter { $0.fail(failure) }
            logger.error("the file of routes is behind", metadata: ["error": "\(failure)"])
        } catch {
            // The table isn't loaded: there's nothing to share.
        }
    }

    private func replace() throws {
        var (upstreams, names, nameBytes) = ([UpstreamURL?](), 0, 0)
        try table.forEachEntry({ _, summary in upstreams = summary.locations.map(\.upstream) }) {
            name, _ in
            names += 1
            nameBytes += name.count
        }
        guard let position else { return }
        let capacity = (names: names, nameBytes: nameBytes, locations: upstreams)
        try withWriter { writer in
            try writer.replace(at: position, for: capacity) { filling in
                try? table.forEachEntry({ begun, summary in
                    if begun != position { filling.fail("changes") }
                    for location in summary.locations {
                        filling.add(location.name, upstream: location.upstream)
                    }
                }) { name, entry in
                    filling.add(
                        name, entry.domain.location, entry.domain.mode, fence: entry.domain.fence,
                        revision: entry.domain.revision)
                }
            }
        }
    }

    // MARK: What changes

    package func beginLoad() -> any TableLoad { Load(self, table.beginLoad()) }

    package func beginStage() -> any TableStage { Stage(self, table.beginStage()) }

    package func load(_ domains: [Domain], locations: [Location], at position: Position) {
        table.load(domains, locations: locations, at: position)
        share()
    }

    package func apply(_ changes: RevisionChanges) -> Bool {
        let stage = beginStage()
        for location in changes.locations { stage.change(location, at: changes.revision) }
        for domain in changes.domains {
            switch domain {
            case .set(let domain): stage.set(domain)
            case .gone(let fqdn): stage.remove(fqdn, at: changes.revision)
            }
        }
        let before = Revision(changes.revision.number - 1)
        return stage.apply(after: before, through: changes.revision)
    }

    private final class Load: TableLoad {
        private let shared: SharedTable
        private let load: any TableLoad

        init(_ shared: SharedTable, _ load: any TableLoad) {
            (self.shared, self.load) = (shared, load)
        }

        func add(_ locations: [Location]) { load.add(locations) }

        func add(_ domains: [Domain]) { load.add(domains) }

        func finish(at position: Position) -> Bool {
            guard load.finish(at: position) else { return false }
            shared.share()
            return true
        }
    }

    /// Changes are written where nobody sees them as they come; what is never applied is taken out.
    private final class Stage: TableStage {
        private let shared: SharedTable
        private let stage: any TableStage
        /// It's behind already, and waits for `retry`.
        private let isBehind: Bool
        private let generation: Int

        init(_ shared: SharedTable, _ stage: any TableStage) {
            (self.shared, self.stage) = (shared, stage)
            isBehind = shared.failure != nil
            generation = shared.withWriter { writer in
                writer.discard()
                return writer.generation
            }
        }

        func set(_ domain: Domain) {
            stage.set(domain)
            domain.withView { name, view in
                shared.withWriter {
                    $0.set(
                        name, view.location, view.mode, fence: view.fence, revision: view.revision)
                }
            }
        }

        func remove(_ fqdn: FQDN, at revision: Revision) {
            stage.remove(fqdn, at: revision)
            var name = fqdn.text
            name.withUTF8 { bytes in
                let name = UnsafeRawBufferPointer(bytes)
                shared.withWriter { $0.remove(name, revision: revision) }
            }
        }

        func change(_ location: RevisionChanges.LocationChange, at revision: Revision) {
            stage.change(location, at: revision)
            shared.withWriter { writer in
                switch location {
                case .set(let location):
                    writer.set(
                        location.name, upstream: location.settings.upstream, revision: revision)
                case .gone(let name): writer.set(name, upstream: nil, revision: revision)
                }
            }
        }

        func apply(after first: Revision, through last: Revision) -> Bool {
            guard stage.apply(after: first, through: last) else {
                shared.withWriter { $0.discard() }
                return false
            }
            guard let position = shared.position else { return true }
            let isVisible = shared.withWriter { writer in
                // A file that was made anew meanwhile lacks what was staged before, and one that is behind what came before.
                guard writer.generation == generation, let there = writer.position,
                    there.epoch == position.epoch, there.revision >= first
                else { return false }
                return writer.publish(position.revision)
            }
            if !isVisible, !isBehind { shared.copy() }
            shared.catchUp()
            return true
        }
    }

    // MARK: What is read

    package var position: Position? { table.position }

    package func find(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain?> {
        try table.find(fqdn)
    }

    package func find(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]> {
        try table.find(fqdns)
    }

    package var routePosition: Position? {
        let read = isAhead.load(ordering: .acquiring) ? left?.status()?.position : nil
        return read ?? table.position
    }

    package func route(
        _ name: UnsafeRawBufferPointer?, _ body: (RouteTarget?, _ position: Position) -> Void
    ) throws(RegistryError) {
        if isAhead.load(ordering: .acquiring), let read = left?.route(name) {
            return body(read.target, read.position)
        }
        try table.route(name, body)
    }

    package func withEntry(
        _ name: UnsafeRawBufferPointer, _ body: (TableEntry?, _ position: Position) -> Void
    ) throws(RegistryError) {
        try table.withEntry(name, body)
    }

    package func forEachEntry(
        _ begin: (Position, TableSummary) -> Void,
        _ body: (_ name: UnsafeRawBufferPointer, TableEntry) -> Void
    ) throws(RegistryError) {
        try table.forEachEntry(begin, body)
    }

    package func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try table.statistics()
    }

    package func digest() throws(RegistryError) -> Read<(TableDigest, count: Int)> {
        try table.digest()
    }

    package func summary() throws(RegistryError) -> Read<TableSummary> { try table.summary() }

    package func packed() throws(RegistryError) -> PackedTable { try table.packed() }

    package func checklist(of location: LocationName) throws(RegistryError) -> LocationChecklist? {
        try table.checklist(of: location)
    }

    package func reaches(_ revision: Revision, within limit: Duration) async -> Bool {
        await table.reaches(revision, within: limit)
    }
}
