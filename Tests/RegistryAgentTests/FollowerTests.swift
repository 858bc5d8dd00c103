import RegistryModel
import RoutingTable
import TableSamples
import Testing

@testable import RegistryAgent

@Suite("A follower") struct FollowerTests {
    private static func logOf(_ model: inout TableModel, revisions: Int) -> MemoryLog {
        let log = MemoryLog()
        grow(log, &model, by: revisions)
        return log
    }

    private static func grow(_ log: MemoryLog, _ model: inout TableModel, by revisions: Int) {
        for _ in 0..<revisions { log.add(model.next(size: 40), model.domains, model.places) }
    }

    @Test func `reads a snapshot, then each revision after it`() async throws {
        var model = TableModel(seed: 1, names: 300)
        let log = Self.logOf(&model, revisions: 20)
        let table = CompactRoutingTable()
        try await following(log, into: table) {
            try await eventually("loaded") { table.position?.revision == Revision(20) }
            try model.expect(table)
            for _ in 0..<50 {
                Self.grow(log, &model, by: 3)
                let head = Revision(model.revision)
                try await eventually("applied") { table.position?.revision == head }
                try model.expect(table)
            }
        }
        #expect(log.change(\.snapshots) == 1)
    }

    @Test func `goes on where it was after each break`() async throws {
        var model = TableModel(seed: 2, names: 200)
        let log = Self.logOf(&model, revisions: 5)
        log.change { $0.breaksAfter = 2 }
        let table = CompactRoutingTable()
        try await following(log, into: table) {
            for _ in 0..<30 {
                Self.grow(log, &model, by: 4)
                let head = Revision(model.revision)
                try await eventually("applied") { table.position?.revision == head }
                try model.expect(table)
            }
        }
        #expect(log.change(\.snapshots) == 1)
        #expect(log.change(\.connections) > 10)
    }

    @Test func `begins anew where a revision is missing`() async throws {
        var model = TableModel(seed: 3, names: 200)
        let log = Self.logOf(&model, revisions: 5)
        let table = CompactRoutingTable()
        try await following(log, into: table) {
            try await eventually("loaded") { table.position != nil }
            log.change { $0.lost = [9] }
            Self.grow(log, &model, by: 20)
            try await eventually("healed") { table.position?.revision == Revision(25) }
            try model.expect(table)
        }
        #expect(log.change(\.snapshots) == 2)
    }

    @Test func `begins anew where the log is forgotten, or another`() async throws {
        var model = TableModel(seed: 4, names: 200)
        let log = Self.logOf(&model, revisions: 30)
        let table = CompactRoutingTable()
        table.load([], revision: 2)
        log.change { $0.oldest = 10 }
        try await following(log, into: table) {
            try await eventually("read whole") { table.position?.revision == Revision(30) }
            try model.expect(table)
            log.change { $0.epoch = Epoch("restored") }
            try await eventually("the other epoch") { table.position?.epoch == Epoch("restored") }
            try model.expect(table)
        }
        #expect(log.change(\.snapshots) == 2)
    }

    @Test func `keeps its table while the log is away`() async throws {
        var model = TableModel(seed: 5, names: 200)
        let log = Self.logOf(&model, revisions: 10)
        let table = CompactRoutingTable()
        let failures = Shared(0)
        try await following(
            log, into: table,
            tell: { if case .failed = $0 { failures.change { $0 += 1 } } }
        ) {
            try await eventually("loaded") { table.position != nil }
            log.change { $0.isAway = true }
            let before = failures.value
            try await eventually("tried again") { failures.value > before + 5 }
            try model.expect(table)
            Self.grow(log, &model, by: 10)
            log.change { $0.isAway = false }
            try await eventually("back") { table.position?.revision == Revision(20) }
            try model.expect(table)
        }
        #expect(log.change(\.snapshots) == 1)
    }

    @Test func `says nothing of a table before it has one`() async throws {
        let log = MemoryLog()
        log.change { $0.isAway = true }
        let table = CompactRoutingTable()
        let failures = Shared(0)
        try await following(
            log, into: table,
            tell: { if case .failed = $0 { failures.change { $0 += 1 } } }
        ) {
            try await eventually("tried") { failures.value > 5 }
            #expect(throws: RegistryError.notReady) { try table.find(fqdn(1)) }
        }
    }

    @Test(arguments: ["empty", "shrunken", "older", "corrupt"])
    func `keeps the last good table before a snapshot that is`(bad: String) async throws {
        let log = MemoryLog()
        let domains = (0..<100).map { domain($0) }
        let table = CompactRoutingTable()
        table.load(domains, revision: 50)
        let few = Dictionary(
            uniqueKeysWithValues: domains.prefix(bad == "shrunken" ? 69 : 100).map { ($0.fqdn, $0) }
        )
        log.change { state in
            // After 50 there's nothing to be had: the whole is asked for.
            state.epoch = bad == "older" ? epoch : Epoch("another")
            state.revisions = [RevisionChanges(revision: Revision(49))]
            state.domains = bad == "empty" ? [:] : few
            state.claims = bad == "corrupt" ? 101 : nil
        }
        let refused = Shared<[String]>([])
        try await following(
            log, into: table,
            tell: { progress in
                guard case .failed(.refused(let refusal), _) = progress else { return }
                refused.change { $0.append(refusal.code) }
            }
        ) {
            try await eventually("refused") { refused.value.count > 3 }
            #expect(Set(refused.value) == [bad])
            #expect(table.position == Position(epoch: epoch, revision: Revision(50)))
            #expect(try table.statistics().value.total == 100)
            // As soon as it's good it's taken.
            log.change { state in
                state.epoch = Epoch("another")
                state.claims = nil
                state.domains = Dictionary(
                    uniqueKeysWithValues: domains.prefix(70).map { ($0.fqdn, $0) })
            }
            try await eventually("taken") { table.position?.epoch == Epoch("another") }
            #expect(try table.statistics().value.total == 70)
        }
    }

    @Test func `takes a smaller snapshot that an operator accepts`() async throws {
        let log = MemoryLog()
        let table = CompactRoutingTable()
        table.load((0..<100).map { domain($0) }, revision: 50)
        log.change {
            $0.epoch = Epoch("another")
            $0.domains = [fqdn(1): domain(1)]
        }
        var settings = Follower.Settings.quick
        settings.admission.acceptsShrink = true
        try await following(log, into: table, settings) {
            try await eventually("taken") { table.position?.epoch == Epoch("another") }
            #expect(try table.statistics().value.total == 1)
        }
    }

    @Test func `reads the table whole now and then, and follows on where that is refused`()
        async throws
    {
        var model = TableModel(seed: 6, names: 200)
        let log = Self.logOf(&model, revisions: 5)
        let table = CompactRoutingTable()
        var settings = Follower.Settings.quick
        settings.refresh = .zero
        try await following(log, into: table, settings) {
            try await eventually("loaded") { table.position != nil }
            for number in 1...20 {
                log.change { $0.claims = number.isMultiple(of: 2) ? 1_000_000 : nil }
                Self.grow(log, &model, by: 1)
                let head = Revision(model.revision)
                try await eventually("applied") { table.position?.revision == head }
                try model.expect(table)
            }
        }
        #expect(log.change(\.snapshots) > 5)
    }

    @Test func `follows on where there is no snapshot to be had`() async throws {
        // As where a registry has too many readers of whole tables already.
        var model = TableModel(seed: 7, names: 200)
        let log = Self.logOf(&model, revisions: 5)
        let table = CompactRoutingTable()
        var settings = Follower.Settings.quick
        settings.refresh = .zero
        try await following(log, into: table, settings) {
            try await eventually("loaded") { table.position != nil }
            log.change { $0.hasSnapshots = false }
            for _ in 1...20 {
                Self.grow(log, &model, by: 1)
                let head = Revision(model.revision)
                try await eventually("applied") { table.position?.revision == head }
            }
            try model.expect(table)
        }
    }
}
