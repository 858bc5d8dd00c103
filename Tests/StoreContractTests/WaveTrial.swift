import RegistryModel
import TestRandom
import Testing

/// A store and its model side by side: each command goes to both, and they must agree.
struct WaveTrial {
    private(set) var session: StoreSession
    var model: WaveModel
    var commands: WaveCommands
    /// What the store's observers were told, over all its openings.
    private(set) var told: [RevisionChanges] = []
    private var checked = Revision.zero
    /// The digest of each plan that there ever was, by what it would do.
    private var digests: [[String]: [UInt8]] = [:]
    private var keyed: [Keyed] = []
    /// How often each answer came: a trial that only meets refusals tries nothing.
    var tally: [String: Int] = [:]

    private struct Keyed {
        var key: IdempotencyKey
        var command: Command
        var committed: Committed
        var at: Timestamp
    }

    init(
        _ session: StoreSession, seed: UInt64, quarantine: Duration, radius: BlastRadius,
        approveAbove: Int? = nil
    ) {
        self.session = session
        model = WaveModel(quarantine: quarantine, radius: radius, approveAbove: approveAbove)
        commands = WaveCommands(random: SeededRandom(seed: seed))
    }

    mutating func run(_ count: Int) async throws {
        for step in 1...count {
            session.pass(commands.pause())
            model.now = session.clock.value
            if commands.chance(5) { try await thawWhatIsDue() }
            if commands.chance(6), let earlier = keyed.last(where: { _ in commands.chance(20) }) {
                try await repeatKeyed(earlier)
            } else {
                let command = commands.next(in: model)
                let actor = commands.actor(of: command)
                try await take(command, isKeyed: commands.chance(15), by: actor)
            }
            if step % 200 == 0 { try await check() }
            if step % 400 == 0 { try await reopen() }
        }
        try await check()
    }

    // MARK: One command

    private mutating func take(
        _ command: Command, isKeyed: Bool = false, by actor: Actor = .tester
    ) async throws {
        let digest = try planned(command)
        let key = isKeyed ? key("k\(keyed.count)") : nil
        let verdict = model.take(command, by: actor)
        let answer = await session.answer(to: command, by: actor, key: key)
        try compare(verdict, answer, command, digest)
        switch answer {
        case .failure(.holdsAreOver(let names)):
            // What the service does then.
            try await take(.expireHolds(names), by: .system)
            try await take(command, isKeyed: isKeyed, by: actor)
        case .failure: break
        case .success(let committed):
            // A dry run leaves nothing behind; any other answer is remembered.
            guard let key, !command.isDryRun else { return }
            keyed.append(Keyed(key: key, command: command, committed: committed, at: model.now))
        }
    }

    /// The store's answer must be what the model says that has just taken the command.
    ///
    /// - Parameter digest: what a plan would have done before.
    mutating func compare(
        _ verdict: WaveModel.Verdict, _ answer: Result<Committed, RegistryError>,
        _ command: Command, _ digest: [String]?
    ) throws {
        try #require(model.splitByAccident == [], "\(command)")
        switch (verdict, answer) {
        case (.refused(let refusal), .failure(let error)):
            try #require(Refusal(error) == refusal, "\(command)")
            tally[refusal.code, default: 0] += 1
        case (.unchanged(let outcome), .success(let committed)):
            try #require(committed.revision == model.revision, "\(command)")
            try agree(outcome, committed.outcome, command, digest)
            tally["unchanged", default: 0] += 1
        case (.written(let written), .success(let committed)):
            try #require(committed.revision == model.revision, "\(command)")
            try agree(written.outcome, committed.outcome, command, digest)
            for action in Set(written.lines.map(\.action)) {
                tally[action.rawValue, default: 0] += 1
            }
        default:
            Issue.record("\(command): the model says \(verdict), the store \(answer)")
            throw Disagreement()
        }
    }

    private struct Disagreement: Error {}

    /// What a plan would do now.
    func planned(_ command: Command) throws -> [String]? {
        guard case .planMigration(let plan) = command else { return nil }
        return model.sketch(plan).substance
    }

    private mutating func agree(
        _ expected: Outcome, _ found: Outcome, _ command: Command, _ substance: [String]?
    ) throws {
        switch (expected, found) {
        case (.wave(let expected), .wave(var found)):
            found.milliseconds = 0
            try #require(found == expected, "\(command)")
        case (.migration(var expected), .migration(var found)):
            found.warnings = found.warnings.map { warning in
                PlanWarning(wave: warning.wave, code: warning.code, detail: "")
            }
            if let substance {
                try learn(found.digest, of: substance)
                if !found.id.isEmpty { model.learn(found.digest) }
                expected.digest = found.digest
            }
            try #require(found == expected, "\(command)")
        default: try #require(found == expected, "\(command)")
        }
    }

    /// Two plans have one digest where they'd do the same, and only there.
    private mutating func learn(_ digest: [UInt8], of substance: [String]) throws {
        if let known = digests[substance] {
            try #require(known == digest, "\(substance)")
        } else {
            try #require(!digests.values.contains(digest), "\(substance)")
            digests[substance] = digest
        }
    }

    /// The first answer again within 24 hours, and no answer to another request.
    private mutating func repeatKeyed(_ earlier: Keyed) async throws {
        guard earlier.at.adding(.seconds(86_400)) > model.now else { return }
        var first = earlier.committed
        first.isReplay = true
        let again = try await session.commit(earlier.command, key: earlier.key)
        try #require(again == first)
        let other = key(earlier.key.key, digest: 2)
        await #expect(throws: RegistryError.idempotencyKeyReused) {
            try await session.commit(earlier.command, key: other)
        }
        tally["replayed", default: 0] += 1
    }

    /// What the service does again and again.
    mutating func thawWhatIsDue() async throws {
        let due = Set(
            model.migrations.flatMap { migration in
                zip(1..., migration.waves).filter { _, wave in
                    wave.deadline.map { $0 <= model.now } ?? false
                }.map { WaveName(migration: migration.id, number: $0.0) }
            })
        let found = try await session.store.wavesDue()
        try #require(Set(found) == due)
        for wave in found {
            let step = WaveStep(.thawWhenDue, migration: wave.migration, wave: wave.number)
            try await take(.waveStep(step), by: .system)
            tally["thawed in time", default: 0] += 1
        }
    }

    private mutating func reopen() async throws {
        told += session.observed.value
        session = try await session.reopened()
    }

    // MARK: Everything

    /// All that the store shows, against the model.
    mutating func check() async throws {
        let store = session.store
        let snapshot = try await Snapshot(of: store)
        try #require(snapshot.head.revision == model.revision)
        try #require(
            snapshot.domains == model.domains.values.map(\.domain).sorted { $0.fqdn < $1.fqdn })
        try #require(Set(snapshot.locations) == Set(model.locations.values))
        try #require(snapshot.openMigrations == model.migrations.count { $0.state.isOpen })
        let all = try await store.migrations(MigrationQuery(limit: 10_000)).value.items
        try #require(all == model.migrations.reversed().map { $0.resource(showsSkipped: false) })
        for migration in model.migrations.suffix(30) {
            let resource = migration.resource()
            try #require(try await store.migration(migration.id).value == resource)
            try #require(try await session.rows(of: resource) == migration.lines)
        }
        try await checkTenants()
        let holds = try await store.holds(DomainQuery(limit: 1_000)).value.items
        try #require(
            holds
                == model.held.values.filter { $0.heldUntil > model.now }.sorted {
                    $0.fqdn < $1.fqdn
                })
        let areDue = model.held.values.contains { $0.heldUntil <= model.now }
        try #require(try await store.areHoldsDue() == areDue)
        try await checkLog()
    }

    private func checkTenants() async throws {
        let store = session.store
        let all = try await store.tenants(TenantQuery(limit: 1_000)).value.items
        try #require(all == model.tenants)
        let split = try await store.tenants(TenantQuery(isSplit: true, limit: 1_000)).value.items
        try #require(split == model.tenants.filter(\.isSplit))
        try #require(try await store.splitTenantCount() == split.count)
    }

    /// Every revision since the last time: whole, without a gap, a line for each domain, and told as
    /// it is read.
    private mutating func checkLog() async throws {
        let store = session.store
        let start = HistoryQuery.Place(revision: checked, position: .max)
        let items = try await store.history(
            HistoryQuery(order: .ascending, after: start, limit: 1_000_000)
        ).value.items
        let byRevision = Dictionary(grouping: items, by: \.header.revision)
        try #require(byRevision.count == Int(model.revision.number - checked.number))
        for (revision, lines) in byRevision {
            let written = try #require(model.log[revision])
            try #require(lines.map(\.position) == Array(lines.indices))
            try #require(lines.count == written.lines.count)
            try #require(Set(lines.map(\.change)) == Set(written.lines))
            for header in lines.map(\.header) {
                try #require(header.at == written.at)
                try #require(header.migration == written.migration)
                try #require(header.wave == written.wave)
                try #require(header.overrideReason == written.overrideReason)
                try #require(header.allowsSplit == written.allowsSplit)
            }
        }
        let changes = try await store.changes(after: checked, limit: 1_000_000)
        let heard = told + session.observed.value
        try #require(changes == Array(heard.suffix(changes.count)))
        try #require(heard.map(\.revision.number) == Array(1...max(1, model.revision.number)))
        checked = model.revision
    }

    /// Any name at any revision, as of then.
    mutating func checkPast(_ count: Int) async throws {
        for _ in 0..<count {
            let name = WaveCommands.names.randomElement(using: &commands.random) ?? fqdn("a.b")
            let number = Int64.random(in: 0...model.revision.number, using: &commands.random)
            let expected = model.past[name]?.last { $0.from.number <= number }?.domain
            let found = try await session.store.domain(name, at: Revision(number))
            try #require(found == expected, "\(name) at \(number)")
        }
    }
}

extension Command {
    fileprivate var isDryRun: Bool {
        if case .planMigration(let plan) = self { plan.isDryRun } else { false }
    }
}
