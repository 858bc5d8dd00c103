import RegistryLedger
import RegistryModel
import StoreCore

extension PendingWrites {
    /// Everything as a few statements over arrays, one a table and kind, in an order that the schema's
    /// rules allow: what goes comes before what takes its place.
    var statements: [Statement] {
        var result: [Statement] = []
        addNames(to: &result)
        addPlaces(to: &result)
        if !lines.isEmpty { result.append(logStatement) }
        if !headers.isEmpty { result.append(headerStatement) }
        if !newRecords.isEmpty {
            result.append(IdempotencyRecord.insertion(of: newRecords.compactMap { records[$0] }))
        }
        if isHeadMoved {
            result.append(
                Statement(
                    Head.advance,
                    [
                        .number(head.revision.number), .bytes(head.digest),
                        .number(head.at.milliseconds),
                    ]))
        }
        return result
    }

    private func addNames(to result: inout [Statement]) {
        var gone: [FQDN] = []
        var goneReleased: [FQDN] = []
        var new: [Domain] = []
        var changed: [Domain] = []
        var newReleased: [ReleasedDomain] = []
        var goneHeld: [FQDN] = []
        var newHeld: [HeldDomain] = []
        for fqdn in touched.sorted() {
            guard let name = name(fqdn) else { continue }
            // Another domain under the same name takes the row's place, instead of changing it.
            let isSame = name.stored.map { $0.registeredAt == name.live?.registeredAt } ?? false
            if name.stored != nil, !isSame { gone.append(fqdn) }
            if let live = name.live, live != name.stored {
                if isSame { changed.append(live) } else { new.append(live) }
            }
            if name.held != name.storedHeld {
                if name.storedHeld != nil { goneHeld.append(fqdn) }
                if let held = name.held { newHeld.append(held) }
            }
            guard name.released != name.storedReleased else { continue }
            if name.storedReleased != nil { goneReleased.append(fqdn) }
            if let released = name.released { newReleased.append(released) }
        }
        if !gone.isEmpty {
            result.append(
                Statement("DELETE FROM domain WHERE fqdn = ANY ($1)", [.names(gone)]))
        }
        if !goneReleased.isEmpty {
            result.append(
                Statement(
                    "DELETE FROM released_domain WHERE fqdn = ANY ($1)", [.names(goneReleased)]))
        }
        if !goneHeld.isEmpty {
            result.append(
                Statement("DELETE FROM held_domain WHERE fqdn = ANY ($1)", [.names(goneHeld)]))
        }
        if !new.isEmpty { result.append(Self.insert(new)) }
        if !newHeld.isEmpty { result.append(Self.insert(newHeld)) }
        if !new.isEmpty || !newHeld.isEmpty {
            result.append(Self.insertNames(new.map(\.fqdn) + newHeld.map(\.fqdn)))
        }
        if !changed.isEmpty { result.append(Self.update(changed)) }
        if !newReleased.isEmpty { result.append(Self.insert(newReleased)) }
    }

    /// What goes goes first: a tenant that moves whole is never in two places meanwhile.
    private func addPlaces(to result: inout [Statement]) {
        let changes = placeChanges.filter { $0.value != 0 }.sorted { $0.key < $1.key }
        func values(_ changes: [(key: TenantPlace, value: Int)]) -> [SQLValue] {
            [
                .texts(changes.map(\.key.tenant.name)), .texts(changes.map(\.key.location.text)),
                .numbers(changes.map { Int64($0.value) }),
            ]
        }
        let (fewer, more) = (changes.filter { $0.value < 0 }, changes.filter { $0.value > 0 })
        if !fewer.isEmpty {
            result.append(
                Statement(
                    """
                    UPDATE tenant_place SET domains = tenant_place.domains + n.change
                    FROM unnest($1, $2, $3) AS n (tenant, location, change)
                    WHERE tenant_place.tenant = n.tenant AND tenant_place.location = n.location
                    """, values(fewer)))
            result.append(Statement(Tenant.clearEmptyPlaces(.postgres)))
        }
        if !more.isEmpty {
            result.append(
                Statement(
                    """
                    INSERT INTO tenant_place (tenant, location, domains)
                    SELECT * FROM unnest($1, $2, $3) ON CONFLICT (tenant, location)
                        DO UPDATE SET domains = tenant_place.domains + excluded.domains
                    """, values(more)))
        }
    }

    // Texts that are put together once, not by each group of commits. Their values are lists, one for each column, in
    // their order.
    private static let insertDomains = insertion("domain", Domain.columnNames)
    private static let insertReleased = insertion("released_domain", ReleasedDomain.columnNames)
    private static let insertHeld = insertion("held_domain", HeldDomain.columnNames)
    private static let insertLines = insertion("change_log", ChangeRow.tableColumns)
    private static let insertHeaders = insertion("revision_log", RevisionHeader.tableColumns)
    private static let updateDomains = {
        let columns = Domain.changingNames + ["fqdn"]
        return """
            UPDATE domain SET \(Domain.changingNames.map { "\($0) = n.\($0)" }.listed)
            FROM unnest(\(columns.places)) AS n (\(columns.listed)) WHERE domain.fqdn = n.fqdn
            """
    }()

    private static func insertion(_ table: String, _ columns: [String]) -> String {
        "INSERT INTO \(table) (\(columns.listed)) SELECT * FROM unnest(\(columns.places))"
    }

    private static func insert(_ domains: [Domain]) -> Statement {
        Statement(
            insertDomains,
            [
                .names(domains.map(\.fqdn)), .numbers(domains.map(\.revision.number)),
                .numbers(domains.map(\.registeredAt.milliseconds)),
                .numbers(domains.map(\.changedAt.milliseconds)),
            ] + .placements(domains.map(\.placement)))
    }

    private static func insertNames(_ names: [FQDN]) -> Statement {
        Statement(
            "INSERT INTO name_tree (key, fqdn) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
            [.texts(names.map(\.treeKey)), .names(names)])
    }

    private static func update(_ domains: [Domain]) -> Statement {
        Statement(
            updateDomains,
            [
                .numbers(domains.map(\.revision.number)),
                .numbers(domains.map(\.changedAt.milliseconds)),
            ] + .placements(domains.map(\.placement)) + [.names(domains.map(\.fqdn))])
    }

    private static func insert(_ released: [ReleasedDomain]) -> Statement {
        Statement(
            insertReleased,
            [
                .names(released.map(\.fqdn)), .numbers(released.map(\.revision.number)),
                .numbers(released.map(\.registeredAt.milliseconds)),
                .numbers(released.map(\.releasedAt.milliseconds)),
                .numbers(released.map(\.availableAt.milliseconds)),
            ] + .placements(released.map(\.placement)))
    }

    private static func insert(_ held: [HeldDomain]) -> Statement {
        Statement(
            insertHeld,
            [
                .names(held.map(\.fqdn)), .numbers(held.map(\.revision.number)),
                .numbers(held.map(\.heldAt.milliseconds)),
                .numbers(held.map(\.heldUntil.milliseconds)), .texts(held.map(\.holder)),
                .flags(held.map(\.wantsLocation)), .flags(held.map(\.allowsNested)),
                .flags(held.map(\.allowsSplit)),
            ] + .placements(held.map(\.placement)))
    }

    private var logStatement: Statement {
        Statement(
            Self.insertLines,
            [
                .numbers(lines.map(\.revision.number)), .numbers(lines.map { Int64($0.position) }),
                .texts(lines.map(\.row.action)), .texts(lines.map(\.row.fqdn)),
            ] + .placements(lines.map(\.row.before)) + .placements(lines.map(\.row.after)) + [
                .numbers(lines.map { $0.row.registeredAt?.milliseconds }),
                .texts(lines.map(\.row.subject)), .texts(lines.map(\.row.beforeDetail)),
                .texts(lines.map(\.row.afterDetail)),
            ])
    }

    private var headerStatement: Statement {
        let all = headers.map(\.header)
        return Statement(
            Self.insertHeaders,
            [
                .numbers(all.map(\.revision.number)), .texts(all.map(\.epoch.text)),
                .numbers(all.map(\.at.milliseconds)), .texts(all.map(\.actor.token)),
                .texts(all.map(\.actor.name)), .texts(all.map(\.actor.role.rawValue)),
                .texts(all.map(\.note.reason)), .texts(all.map(\.note.ticket)),
                .texts(all.map(\.requestID)), .texts(all.map(\.migration)),
                .numbers(all.map { $0.wave.map(Int64.init) }), .texts(all.map(\.overrideReason)),
                .numbers(all.map { $0.allowsSplit ? 1 : 0 }),
                .numbers(headers.map { Int64($0.changeCount) }),
                .byteLists(headers.map(\.digest)),
            ])
    }
}

extension SQLValue {
    static func names(_ names: [FQDN]) -> SQLValue { .texts(names.map(\.text)) }
}

extension [SQLValue] {
    /// A list for each of `Placement.columns`.
    fileprivate static func placements(_ placements: [Placement?]) -> [SQLValue] {
        Placement.columns.map { column in .texts(placements.map { $0.flatMap(column.text) }) }
    }
}

extension IdempotencyRecord {
    /// They take the place of older ones with the same token and key.
    static func insertion(of new: [IdempotencyRecord]) -> Statement {
        Statement(
            """
            INSERT INTO idempotency (\(columns))
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6) \(takingPlace)
            """,
            [
                .texts(new.map(\.key.token)), .texts(new.map(\.key.key)),
                .byteLists(new.map(\.key.requestDigest)), .numbers(new.map(\.revision.number)),
                .texts(new.map { ChangeRow.text($0.outcome) }),
                .numbers(new.map(\.createdAt.milliseconds)),
            ])
    }
}
