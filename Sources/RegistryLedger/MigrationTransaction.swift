import RegistryModel

/// What an engine offers for making a plan, in a transaction that may write or not: a dry run is the same
/// plan, read from a snapshot, of which nothing is kept.
package protocol PlanningTransaction {
    func location(_ name: LocationName) throws -> Location?
    /// Live domains there, as this transaction sees them.
    func domainCount(at location: LocationName) throws -> Int

    /// Sorts out what the plan's selection holds: who is eligible, and why the others aren't. Nothing of it
    /// lasts beyond the transaction but what `keepPlan` keeps.
    func stage(_ plan: MigrationPlan) throws -> PlanCounts
    /// How many eligible domains each tenant has, in order; nil where each domain moves by itself.
    func stagedTenantSizes() throws -> [Int]?
    /// Adds number of the wave, name and mode of each row that is staged for one, by wave and name.
    func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws
    /// The first of those that aren't eligible, in the order of the selection.
    func stagedSkippedNames(limit: Int) throws -> [SkippedName]
}

/// What an engine offers for migrations: a few statements each, however many rows they touch.
package protocol MigrationTransaction: PlanningTransaction {
    /// With its waves, without skipped names.
    func migration(_ id: String) throws -> Migration?
    func setState(_ state: MigrationState, ofMigration id: String) throws
    /// Writes where the wave stands. Who has approved it is `insert`'s.
    func put(_ wave: Wave, of migration: String) throws
    func insert(_ approval: WaveApproval, of wave: WaveName) throws
    /// The freeze that holds a domain.
    func freeze(of fqdn: FQDN) throws -> DomainFreeze?
    /// Gives a frozen domain another mode of its own.
    func setOwnMode(_ mode: Mode, of fqdn: FQDN, in wave: WaveName) throws
    /// Whether a planned or running migration goes from or to it.
    func isReferencedByMigration(_ location: LocationName) throws -> Bool
    /// Writes the plan that is staged: the migration, its waves, and one row for each name that is in a
    /// wave or skipped. The first eligible names are in the first wave.
    func keepPlan(_ migration: Migration) throws
    func skippedNames(of migration: String, limit: Int) throws -> [SkippedName]

    // A wave's rows

    /// Changes every row that is as `move` expects it, and writes one line of the log for each,
    /// from `position` on.
    /// - Returns: how many.
    func apply(_ move: WaveMove, revision: Revision, at: Timestamp, from position: Int) throws
        -> Int
    /// The first rows that `apply` couldn't change at `revision`, for they aren't as `move` expects them, by name, and how
    /// many there are.
    func conflicts(
        with move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int)
    /// After an `apply` that leaves rows: domains, besides those of `conflicts`, for whose sake it has left a tenant whole.
    func dividing(
        _ move: WaveMove, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int)
    /// After `apply`: whether a tenant is in two places for it that was in one of them.
    func hasSplit(_ move: WaveMove) throws -> Bool
    /// After `apply`: domains that have come to the wave's tenants since, so that the step would part them; or else those
    /// that another wave holds frozen where the step has brought the rest of their tenants.
    func strangers(
        to move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int)
    /// Marks the rows that `apply` didn't change at `revision`: a rollback leaves them where they are.
    /// - Returns: the first of their names, in order, and how many there are.
    func leaveRows(
        of move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (names: [FQDN], total: Int)
    /// Adds the log's lines of a revision that isn't finished to its digest, in order.
    /// - Returns: what they did to domains.
    func readBack(_ revision: Revision, at: Timestamp, into digest: inout RevisionDigest) throws
        -> [RevisionChanges.DomainChange]
}

/// What holds one domain frozen.
package struct DomainFreeze: Hashable, Sendable {
    package var wave: WaveName
    /// The wave's.
    package var mode: Mode
    /// The domain's own: what it gets back when the freeze ends.
    package var ownMode: Mode

    package init(wave: WaveName, mode: Mode, ownMode: Mode) {
        self.wave = wave
        self.mode = mode
        self.ownMode = ownMode
    }
}

/// What a step does to each row of a wave.
package struct WaveMove: Hashable, Sendable {
    /// The mode of a row, before or after.
    package enum RowMode: Hashable, Sendable {
        /// The domain's own: what the plan saw, or what somebody set while it was frozen.
        case own
        /// The own one, or the freeze's where that is stricter.
        case frozen(Mode)
        /// Whatever it is: it stays.
        case any
    }

    package struct Place: Hashable, Sendable {
        package var location: LocationName
        package var mode: RowMode
        /// What copies that are cut off answer in; nil: nothing is announced.
        package var fence: Mode?
    }

    package var migration: String
    package var wave: Int
    package var action: Action
    /// By value: a row that isn't so is a conflict.
    package var expected: Place
    package var result: Place
    /// Whether the step may leave rows as they are. Its lines must then be counted one by one to
    /// stand in the log without gaps; where all rows change or none, a row's place in its wave does.
    package var mayLeaveRows: Bool
    /// Whether rows that a frozen wave holds are conflicts too. Only a rollback can meet any: a
    /// domain is in one open wave at most, but may have moved with another before.
    package var leavesFrozen = false
    /// Whether tenants stay together.
    package var wholeTenants: Bool
    /// The revision that rows are expected to be of, where it's known who has changed them since.
    package var since: Revision?

    package init(
        _ event: WaveState.Event, _ wave: Wave, of migration: Migration, mayLeaveRows: Bool
    ) throws {
        self.mayLeaveRows = mayLeaveRows
        wholeTenants = migration.wholeTenants
        let source = Place(location: migration.from, mode: .own)
        let announced = Place(
            location: migration.from, mode: .own, fence: migration.freeze.mode)
        let target = Place(location: migration.to, mode: .own)
        let frozen = Place(
            location: migration.from,
            mode: migration.freeze.mode.map { .frozen($0) } ?? .own)
        self.migration = migration.id
        self.wave = wave.number
        switch event {
        case .announce: (action, expected, result) = (.announced, source, announced)
        case .freeze:
            let before = wave.state == .announced ? announced : source
            (action, expected, result) = (.frozen, before, frozen)
        case .thaw where wave.state == .announced, .cancel where wave.state == .announced:
            // Their modes may have been changed meanwhile.
            (action, expected, result) = (.thawed, announced, source)
            (expected.mode, result.mode) = (.any, .any)
        case .cutOver:
            (action, expected, result) = (.moved, wave.state == .frozen ? frozen : source, target)
        case .thaw, .cancel: (action, expected, result) = (.thawed, frozen, source)
        case .rollBack:
            (action, expected, result) = (.rolledBack, target, source)
            leavesFrozen = true
            since = wave.revision
        case .finalize, .approve: throw RegistryError.inconsistent
        }
    }
}
