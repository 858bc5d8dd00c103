import GRDB
import RegistryModel

/// All domains as of a recent revision, by name: what snapshots and exports are made of.
///
/// Nearly all of them are in the table of domains as they were then. Only the names that have changed
/// since are looked up in the log; each name that the log knows is live or released, and so it's in one
/// of two tables. Page by page in short reads, where one long read would keep SQLite from its
/// checkpoints.
struct CurrentNames: Sendable {
    let revision: Revision
    var found: [Domain] = []
    private(set) var isDone = false
    private var last = ""

    /// Names in one transaction: some 5 ms.
    static let atOnce = 4_000

    init(after name: FQDN?, at revision: Revision) {
        self.revision = revision
        last = name?.text ?? ""
    }

    /// - Parameters:
    ///   - limit: stop with so many domains found.
    ///   - past: finds a domain in the log.
    mutating func advance(
        _ db: Database, limit: Int, past: (String) throws -> Domain?
    ) throws {
        let names = min(Self.atOnce, limit - found.count)
        guard names > 0 else { return isDone = true }
        let statement = try RawStatement(
            try db.cachedStatement(
                sql: """
                    SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at
                    FROM domain WHERE fqdn > ?1
                    UNION ALL
                    SELECT fqdn, NULL, NULL, NULL, revision, NULL, NULL
                    FROM released_domain WHERE fqdn > ?1
                    ORDER BY fqdn LIMIT ?2
                    """), in: db)
        let start = last
        var read: [Domain] = []
        read.reserveCapacity(names)
        var (count, end) = (0, start)
        // Read to the end of the statement first: the log is read by another one.
        var changed: [(place: Int, name: String)] = []
        try statement.forEach { binder in
            binder.text(start)
            binder.number(names)
        } _: { row in
            count += 1
            end = row.text(0)
            if row.number(4) > revision.number {
                changed.append((read.count, end))
            } else if !row.isNull(1) {
                read.append(
                    Domain(
                        fqdn: FQDN(canonical: end), placement: Placement(row, from: 1),
                        revision: Revision(row.number(4)), registeredAt: row.time(5),
                        changedAt: row.time(6)))
            }
        }
        last = end
        found += try Self.merge(read, changed, past)
        if count < names || found.count >= limit { isDone = true }
    }

    /// - Parameter changed: names by where among `read` they belong.
    private static func merge(
        _ read: [Domain], _ changed: [(place: Int, name: String)],
        _ past: (String) throws -> Domain?
    ) throws -> [Domain] {
        guard !changed.isEmpty else { return read }
        var merged: [Domain] = []
        merged.reserveCapacity(read.count + changed.count)
        var next = 0
        for (place, name) in changed {
            merged += read[next..<place]
            next = place
            if let domain = try past(name) { merged.append(domain) }
        }
        return merged + read[next...]
    }
}
