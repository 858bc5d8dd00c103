import GRDB
import RegistryLedger
import RegistryModel

/// A page of domains by name, all as of one revision, in steps: lists of now and of then, snapshots and
/// exports.
///
/// Nearly all domains are in the table as they were then; each name that the log knows is live or
/// released. Only the names that have changed since are looked up in the log: so the steps, each a
/// transaction of its own, still make one picture.
struct DomainWalk: ReadWalk {
    let query: DomainQuery
    /// Nil: the head, as the first step finds it.
    private(set) var revision: Revision?
    private var found: [Domain] = []
    private(set) var isDone = false
    /// The last name that was looked at.
    private var last: String
    private var hasBegun = false

    init(_ query: DomainQuery, at revision: Revision? = nil) {
        self.query = query
        self.revision = revision
        last = query.after?.text ?? ""
    }

    var page: Read<Page<Domain>> {
        Read(
            Page(items: Array(found.prefix(query.limit)), hasMore: found.count > query.limit),
            at: revision ?? .zero)
    }

    /// One domain more than asked for tells whether there is a next page.
    private var missing: Int { query.limit == .max ? .max : query.limit + 1 - found.count }

    /// Whether rows along the way may be no one's.
    private var passesOver: Bool {
        query.location != nil || query.mode != nil || query.suffix != nil
    }

    mutating func advance(_ db: Database, _ budget: inout StepBudget) throws {
        let head = try Head.read(db)
        if let revision { try head.check(revision) }
        let asked = revision ?? head.revision
        revision = asked
        // A tenant's names have an index, and only as they are now.
        if !hasBegun, let tenant = query.tenant, asked == head.revision {
            try lookAtNames(of: tenant, db, &budget)
        } else if !isDone {
            try lookAtAll(db, asked, hasChanged: asked < head.revision, &budget)
        }
        hasBegun = true
        while !isDone, !budget.isSpent {
            try lookAtAll(db, asked, hasChanged: asked < head.revision, &budget)
        }
    }

    /// Looks at the tenant's first names; the rest, where it has very many and filters pass them over, is
    /// found among all.
    private mutating func lookAtNames(
        of tenant: String, _ db: Database, _ budget: inout StepBudget
    ) throws {
        let rows = max(1, budget.rows)
        var way = Filter()
        way.add("tenant = ?", tenant)
        let end = passesOver ? try name(db, of: rows, "domain", way) : nil
        var filter = bounded(way, through: end)
        filter.add(query)
        let names = try read(db, filter, limit: missing)
        budget.take(passesOver ? rows : names.count)
        found += names.compactMap(\.domain)
        last = end ?? last
        isDone = missing <= 0 || end == nil
    }

    private mutating func lookAtAll(
        _ db: Database, _ asked: Revision, hasChanged: Bool, _ budget: inout StepBudget
    ) throws {
        let isFiltered = passesOver || query.tenant != nil
        let rows = max(1, min(budget.rows, isFiltered ? .max : missing))
        // Up to here both tables are looked at, and no further.
        let ends = [
            isFiltered ? try name(db, of: rows, "domain", Filter()) : nil,
            hasChanged ? try name(db, of: rows, "released_domain", Filter()) : nil,
        ]
        let end = ends.compactMap(\.self).min()
        let way = bounded(Filter(), through: end)

        var filter = way
        var condition = Filter()
        condition.add("tenant = ?", query.tenant)
        condition.add(query)
        filter.add(condition, orIf: hasChanged ? "revision > ?" : nil, asked.number)
        let limit = min(missing, rows)
        let names = try read(db, filter, limit: limit)
        let isCut = names.count == limit
        let gone = hasChanged ? try released(db, way, since: asked) : []
        budget.take(rows)

        let through = isCut ? names.last?.name : end
        let changed = gone.filter { name in through.map { name <= $0 } ?? true }
        guard try add(names, changed, db, asked, &budget) else { return isDone = missing <= 0 }
        last = through ?? last
        isDone = missing <= 0 || (!isCut && end == nil)
    }

    /// The names behind the last one looked at, in what is asked for. One bound at each end: of two,
    /// SQLite takes either to its index.
    private func bounded(_ filter: Filter, through end: String? = nil) -> Filter {
        var filter = filter
        if let prefix = query.prefix, prefix > last {
            filter.add("fqdn >= ?", prefix)
        } else {
            filter.add("fqdn > ?", last)
        }
        if let end {
            filter.add("fqdn <= ?", end)
        } else if let prefix = query.prefix {
            // The octet after `z`, the highest that a name can hold.
            filter.add("fqdn < ?", prefix + "{")
        }
        return filter
    }

    /// Adds what was in the list then, by name.
    ///
    /// - Returns: false where it stopped on its way, with `last` where it did.
    private mutating func add(
        _ names: [Name], _ gone: [String], _ db: Database, _ asked: Revision,
        _ budget: inout StepBudget
    ) throws -> Bool {
        var gone = gone[...]
        var names = names[...]
        while missing > 0, let next = Self.next(&names, &gone) {
            if let domain = next.domain, domain.revision <= asked {
                found.append(domain)
            } else {
                // The log is asked twice for a name: some ten rows' time.
                if let domain = try Domain.read(db, next.name, at: asked), query.takes(domain) {
                    found.append(domain)
                }
                budget.take(10)
                if budget.isSpent, !(names.isEmpty && gone.isEmpty) {
                    last = next.name
                    return false
                }
            }
        }
        return true
    }

    /// A name on the way; without a domain where it's only known that it was released.
    private struct Name {
        var name: String
        var domain: Domain?
    }

    private static func next(_ names: inout ArraySlice<Name>, _ gone: inout ArraySlice<String>)
        -> Name?
    {
        guard let name = gone.first, names.first.map({ name < $0.name }) ?? true else {
            return names.popFirst()
        }
        gone.removeFirst()
        return Name(name: name, domain: nil)
    }

    /// The name of a table's row on the way, counted from 1; nil where there are fewer.
    private func name(
        _ db: Database, of row: Int, _ table: String, _ filter: Filter
    ) throws -> String? {
        var filter = bounded(filter)
        filter.bind(row - 1)
        return try String.fetchOne(
            try db.cachedStatement(
                sql: "SELECT fqdn FROM \(table) \(filter.clause) ORDER BY fqdn LIMIT 1 OFFSET ?"),
            arguments: filter.arguments)
    }

    private func read(_ db: Database, _ filter: Filter, limit: Int) throws -> [Name] {
        var filter = filter
        filter.bind(limit)
        let statement = try db.cachedStatement(
            sql: """
                SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at
                FROM domain \(filter.clause) ORDER BY fqdn LIMIT ?
                """)
        try statement.setArguments(filter.arguments)
        var names: [Name] = []
        try RawStatement(statement, in: db).forEach { row in
            let name = row.text(0)
            names.append(
                Name(
                    name: name,
                    domain: Domain(
                        fqdn: FQDN(canonical: name), placement: Placement(row, from: 1),
                        revision: Revision(row.number(4)), registeredAt: row.time(5),
                        changedAt: row.time(6))))
        }
        return names
    }

    private func released(_ db: Database, _ way: Filter, since asked: Revision) throws -> [String] {
        var filter = way
        filter.add("revision > ?", asked.number)
        return try String.fetchAll(
            try db.cachedStatement(
                sql: "SELECT fqdn FROM released_domain \(filter.clause) ORDER BY fqdn"),
            arguments: filter.arguments)
    }
}

extension Filter {
    /// What a list asks for beside a tenant and a range of names.
    fileprivate mutating func add(_ query: DomainQuery) {
        add("location = ?", query.location?.text)
        add("mode = ?", query.mode?.rawValue)
        add(suffix: query.suffix)
    }
}
