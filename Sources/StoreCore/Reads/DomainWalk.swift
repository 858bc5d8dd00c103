import RegistryLedger
import RegistryModel

/// A page of domains by name, all as of one revision, in steps: lists of now and of then, snapshots and
/// exports.
///
/// Nearly all domains are in the table as they were then; each name that the log knows is live or
/// released. Only the names that have changed since are looked up in the log: so the steps, each a
/// transaction of its own, still make one picture.
package struct DomainWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    package let query: DomainQuery
    /// Nil: the head, as the first step finds it.
    package private(set) var revision: Revision?
    private var found: [Domain] = []
    package private(set) var isDone = false
    /// The last name that was looked at.
    private var last: String
    private var hasBegun = false

    package init(_ query: DomainQuery, at revision: Revision? = nil) {
        self.query = query
        self.revision = revision
        last = query.after?.text ?? ""
    }

    package consuming func page() -> Read<Page<Domain>> {
        Read(Page(first: query.limit, takenFrom: &found), at: revision ?? .zero)
    }

    /// One domain more than asked for tells whether there is a next page.
    private var missing: Int { query.limit == .max ? .max : query.limit + 1 - found.count }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        let head = try Head.read(session)
        if let revision { try head.check(revision) }
        let asked = revision ?? head.revision
        revision = asked
        // A tenant's names have an index, and only as they are now.
        if !hasBegun, let tenant = query.filter.tenant, asked == head.revision {
            let passesOver = query.filter.passesOver
            let end =
                try passesOver ? name(session, of: budget.rows, ofTenant: tenant) : nil
            var filter = bounded(ofTenant: tenant, through: end)
            // The bounds say whose they are.
            var rest = query.filter
            rest.tenant = nil
            filter.add(rest)
            found += try read(session, filter, by: "tenant, fqdn", limit: missing)
            budget.take(passesOver ? budget.rows : found.count)
            last = end ?? last
            // The rest, where it has very many and filters pass them over, is found among all.
            isDone = missing <= 0 || end == nil
        } else if !isDone {
            try lookAtAll(session, asked, hasChanged: asked < head.revision, &budget)
        }
        hasBegun = true
        while !isDone, !budget.isSpent {
            try lookAtAll(session, asked, hasChanged: asked < head.revision, &budget)
        }
    }

    private mutating func lookAtAll(
        _ session: Session, _ asked: Revision, hasChanged: Bool,
        _ budget: inout StepBudget
    ) throws {
        let isSQLFiltered = query.filter.passesOver || query.filter.tenant != nil
        // What has changed is looked up in the log, each some ten rows' time.
        let most = hasChanged ? Self.changedAtOnce : .max
        let rows = max(1, min(budget.rows, most, isSQLFiltered ? .max : missing))
        // Up to here both tables are looked at, and no further.
        let ends = [
            isSQLFiltered || hasChanged ? try name(session, of: rows, "domain") : nil,
            hasChanged ? try name(session, of: rows, "released_domain") : nil,
        ]
        let end = ends.compactMap(\.self).min()
        var filter = bounded(through: end)
        filter.add("revision <= ?", hasChanged ? asked.number : nil)
        filter.add(query.filter)
        let limit = min(missing, rows)
        var names = try read(session, filter, limit: limit)
        let isCut = names.count == limit
        let through = isCut ? names.last?.fqdn.text : end
        budget.take(rows)
        if hasChanged {
            names += try changed(session, through: through, since: asked, &budget)
            names.sort { $0.fqdn < $1.fqdn }
        }
        found += names
        last = through ?? last
        isDone = missing <= 0 || (!isCut && end == nil)
    }

    /// Those that have changed since, or are gone, as they were then.
    private func changed(
        _ session: Session, through end: String?, since asked: Revision,
        _ budget: inout StepBudget
    ) throws -> [Domain] {
        var filter = bounded(through: end)
        filter.add("revision > ?", asked.number)
        let names = try session.rows(
            """
            SELECT fqdn FROM domain \(filter.clause)
            UNION ALL SELECT fqdn FROM released_domain \(filter.clause)
            """, filter.values
        ) { try $0.name(0) }
        guard !names.isEmpty else { return [] }
        budget.take(names.count * 10)
        return try Domain.read(session, names, at: asked).compactMap { domain in
            domain.flatMap { query.filter.takes($0) ? $0 : nil }
        }
    }

    private static var changedAtOnce: Int { 500 }

    /// The names behind the last one looked at, in what is asked for.
    private func bounded(through end: String? = nil) -> SQLFilter {
        var filter = SQLFilter()
        let (isBeyond, low) = start
        filter.add(isBeyond ? "fqdn > ?" : "fqdn >= ?", low)
        // A bound that says nothing would be compared with each row.
        if let end {
            filter.add("fqdn <= ?", end)
        } else if query.filter.prefix != nil {
            filter.add("fqdn < ?", self.end)
        }
        return filter
    }

    /// The same of one tenant. PostgreSQL compares tenant and name as one, for then the tenant's index is the only way:
    /// with the tenant alone, it may rather go through all names, in the hope of meeting the tenant soon. SQLite would
    /// compare each row once more.
    private func bounded(ofTenant tenant: String, through end: String? = nil) -> SQLFilter {
        var filter = SQLFilter()
        let (isBeyond, low) = start
        let place = filter.bind(.text(tenant))
        let isSQLite = Session.dialect == .sqlite
        filter.add(isSQLite ? "tenant = \(place)" : "tenant IS NOT NULL")
        let (names, bound) = isSQLite ? ("fqdn", "?") : ("(tenant, fqdn)", "(\(place), ?)")
        filter.add("\(names) \(isBeyond ? ">" : ">=") \(bound)", low)
        filter.add("\(names) \(end == nil ? "<" : "<=") \(bound)", end ?? self.end)
        return filter
    }

    private var start: (isBeyond: Bool, name: String) {
        guard let prefix = query.filter.prefix, prefix > last else { return (true, last) }
        return (false, prefix)
    }

    private var end: String { (query.filter.prefix ?? "") + SQLFilter.behindNames }

    /// The name of a table's row on the way, counted from 1; nil where there are fewer.
    private func name(
        _ session: Session, of row: Int, _ table: String
    ) throws -> String? {
        try name(session, of: row, table, bounded(), by: "fqdn")
    }

    private func name(
        _ session: Session, of row: Int, ofTenant tenant: String
    ) throws -> String? {
        try name(session, of: row, "domain", bounded(ofTenant: tenant), by: "tenant, fqdn")
    }

    private func name(
        _ session: Session, of row: Int, _ table: String, _ filter: SQLFilter,
        by order: String
    ) throws -> String? {
        var filter = filter
        let skipped = filter.bind(.number(Int64(max(1, row) - 1)))
        return try session.first(
            """
            SELECT fqdn FROM \(table) \(filter.clause) ORDER BY \(order)
            LIMIT 1 OFFSET \(skipped)
            """, filter.values
        ) { try $0.text(0) }
    }

    private func read(
        _ session: Session, _ filter: SQLFilter, by order: String = "fqdn", limit: Int
    ) throws -> [Domain] {
        var filter = filter
        let place = filter.bind(.number(Int64(limit)))
        return try Domain.rows(
            session, "\(filter.clause) ORDER BY \(order) LIMIT \(place)", filter.values)
    }
}
