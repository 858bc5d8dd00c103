import RegistryLedger
import RegistryModel

/// One line of the log, as far as somebody's memory needs it: an agent's table, or a node's table, tokens and
/// counts. Who did it, and why, isn't in it: a wave of a million would carry that a million times.
package struct LogLine: Sendable {
    package enum Kind: Sendable {
        case domain(RevisionChanges.DomainChange)
        case location(RevisionChanges.LocationChange)
        /// A name that is no domain was held, or isn't any more.
        case hold
        case token(id: String)
        case migration(id: String, isOpen: Bool)
        /// Nothing that any memory keeps.
        case approval
        case webhook
    }

    package var place: HistoryQuery.Place
    package var action: Action
    /// Set by a step of a migration.
    package var wave: WaveName?
    package var kind: Kind

    /// Of `change_log c` and `revision_log r`.
    package static let columns =
        ([
            "c.revision", "c.position", "c.action", "c.fqdn", "c.registered_at", "r.at",
            "c.subject", "c.after_detail", "r.migration", "r.wave",
        ] + Placement.names("c.after_")).listed

    init(row: SQLRow, _ placements: inout PlacementReader) throws {
        let revision = try row.revision(0)
        place = HistoryQuery.Place(revision: revision, position: try row.integer(1))
        action = try row.word(2)
        if let migration = try row.textIfPresent(8), let number = try row.numberIfPresent(9) {
            wave = WaveName(migration: migration, number: Int(number))
        }
        kind = try Kind(row, action, at: revision, &placements)
    }
}

extension LogLine.Kind {
    fileprivate init(
        _ row: SQLRow, _ action: Action, at revision: Revision,
        _ placements: inout PlacementReader
    ) throws {
        if action.isOfHold {
            self = .hold
            return
        }
        if !row.isNull(3) {
            let fqdn = try row.name(3)
            guard let placement = try placements.placementIfPresent(row, from: 10) else {
                self = .domain(.gone(fqdn))
                return
            }
            self = .domain(
                .set(
                    Domain(
                        fqdn: fqdn, placement: placement, revision: revision,
                        registeredAt: try row.time(4), changedAt: try row.time(5))))
            return
        }
        switch action {
        case .locationChanged:
            let name = try row.location(6)
            let settings: LocationSettings? = try ChangeRow.value(row.textIfPresent(7))
            self = .location(
                settings.map { .set(Location(name: name, settings: $0, revision: revision)) }
                    ?? .gone(name))
        case .tokenCreated, .tokenRevoked: self = .token(id: try row.text(6))
        case .migrationPlanned, .migrationFinalized, .migrationCancelled:
            let facts: MigrationFacts? = try ChangeRow.value(row.textIfPresent(7))
            self = .migration(id: try row.text(6), isOpen: facts?.state.isOpen ?? false)
        case .waveApproved: self = .approval
        case .webhookChanged: self = .webhook
        default: throw UnreadableValue(column: 2, expected: "an action of no domain")
        }
    }
}

extension TableChange {
    package init(_ line: LogLine) {
        switch line.kind {
        case .domain(let change): self.init(.domain(change), at: line.place)
        case .location(let change): self.init(.location(change), at: line.place)
        case .hold, .token, .migration, .approval, .webhook: self.init(.other, at: line.place)
        }
    }
}

extension RevisionChanges {
    /// - Parameter tokens: finds a token as it is now; its digest isn't in the log.
    mutating func add(_ line: LogLine, tokens: (String) -> TokenRecord?) {
        switch line.kind {
        case .domain(let change):
            domains.append(change)
            if case .set(let domain) = change { note(line, at: domain.location) }
        case .location(let change): locations.append(change)
        case .hold: break
        case .token(let id): if let token = tokens(id) { self.tokens.append(token) }
        case .migration(let id, let isOpen):
            if line.action == .migrationCancelled { freezes.append(.cancelled(migration: id)) }
            // All but a plan end one that was open.
            openMigrations += (isOpen ? 1 : 0) - (line.action == .migrationPlanned ? 0 : 1)
        case .approval: break
        case .webhook: hasWebhooks = true
        }
    }

    /// What a line says of its wave's freeze. A wave's lines stand one after the other.
    private mutating func note(_ line: LogLine, at location: LocationName) {
        guard let wave = line.wave else { return }
        switch line.action {
        case .frozen:
            if case .began(var frozen)? = freezes.last, frozen.name == wave {
                frozen.size += 1
                freezes[freezes.count - 1] = .began(frozen)
            } else {
                freezes.append(.began(FrozenWave(name: wave, location: location, size: 1)))
            }
        case .moved, .thawed:
            if freezes.last != .ended(wave) { freezes.append(.ended(wave)) }
        default: break
        }
    }
}
