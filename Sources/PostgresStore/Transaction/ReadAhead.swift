import RegistryLedger
import RegistryModel
import StoreCore

/// What a group of commands will ask for, read in one way there and back: the head, locked; the names,
/// the keys, the locations and the frozen waves that the commands speak of; and the default location.
struct ReadAhead {
    private let names: [FQDN]
    private let guarded: [FQDN]
    /// To be registered.
    private let new: [FQDN]
    private let keys: [IdempotencyKey]
    private let places: Set<LocationName>
    private let wantsLocations: Bool
    private let isOfManyRows: Bool
    /// Those of domains that come to them.
    private let tenants: [TenantKey]
    private(set) var frozen: [FQDN: DomainFreeze?] = [:]
    /// Those of the new ones below which there is no name.
    private(set) var childless: Set<FQDN> = []
    /// Whether any wave is; nil: nobody will ask.
    private(set) var isAnyFrozen: Bool?
    /// Nil for those that aren't there.
    private(set) var locations: [LocationName: Location?] = [:]

    static let domains = "SELECT \(Domain.columns) FROM domain WHERE fqdn = ANY ($1)"
    static let released = """
        SELECT \(ReleasedDomain.columns) FROM released_domain WHERE fqdn = ANY ($1)
        """
    static let held = "SELECT \(HeldDomain.columns) FROM held_domain WHERE fqdn = ANY ($1)"
    private static let parents = """
        SELECT n.fqdn FROM unnest($1, $2) AS n (fqdn, key)
        WHERE EXISTS (SELECT FROM name_tree t WHERE t.key > n.key || '.' AND t.key < n.key || '/')
        """
    /// Names above those of the commands that are read ahead; more are read one command at a time.
    private static let ancestorsAhead = 10_000
    static let someLocations = "\(Location.select) WHERE default_for_signups OR name = ANY ($1)"
    static let freezes = DomainFreeze.select("= ANY ($1)")
    private static let tenantPlaces = """
        SELECT location, domains, tenant FROM tenant_place WHERE tenant = ANY ($1) AND domains > 0
        """
    private static let anyFrozen = "SELECT EXISTS (SELECT FROM wave WHERE state = 'frozen')"
    private static let head = """
        SELECT epoch, revision, digest, at, pg_current_xact_id()::text::bigint, \(PostgresSession.identity)
        FROM head WHERE id = 1 FOR UPDATE
        """
    private static let records = """
        SELECT \(IdempotencyRecord.columns) FROM idempotency
        WHERE (token, key) IN (SELECT * FROM unnest($1, $2))
        """

    init(_ requests: [CommitRequest]) {
        var names: Set<FQDN> = []
        var guarded: Set<FQDN> = []
        var new: Set<FQDN> = []
        var places: Set<LocationName> = []
        var wantsLocations = false
        var isOfManyRows = false
        var tenants: Set<TenantKey> = []
        for request in requests {
            switch request.command {
            case .register(let domain), .hold(let domain, _):
                new.insert(domain.fqdn)
                domain.location.map { _ = places.insert($0) }
                domain.tenant.map { _ = tenants.insert(TenantKey($0)) }
                wantsLocations = true
            case .registerBatch(let rows):
                for case .wanted(let domain) in rows {
                    new.insert(domain.fqdn)
                    domain.location.map { _ = places.insert($0) }
                    domain.tenant.map { _ = tenants.insert(TenantKey($0)) }
                }
                wantsLocations = true
            case .change(let fqdn, let patch, _):
                names.insert(fqdn)
                guarded.insert(fqdn)
                if case .set(let tenant) = patch.tenant { tenants.insert(TenantKey(tenant)) }
                if let location = patch.location {
                    places.insert(location)
                    wantsLocations = true
                }
            case .release(let fqdn, _):
                names.insert(fqdn)
                guarded.insert(fqdn)
            case .restore(let fqdn, _, _), .activate(let fqdn):
                new.insert(fqdn)
            case .expireHolds(let fqdns):
                names.formUnion(fqdns ?? [])
            case .changeTenant, .planMigration, .waveStep, .finalizeMigration, .cancelMigration:
                isOfManyRows = true
            case .putLocation, .deleteLocation, .createToken, .revokeToken, .approveWave,
                .putWebhook, .deleteWebhook:
                break
            }
        }
        names.formUnion(new)
        var ancestors: Set<FQDN> = []
        for name in new where ancestors.count < Self.ancestorsAhead {
            ancestors.formUnion(name.ancestors)
        }
        names.formUnion(ancestors)
        self.new = Array(new)
        self.names = names.sorted()
        self.guarded = guarded.sorted()
        self.places = places
        self.wantsLocations = wantsLocations
        self.isOfManyRows = isOfManyRows
        self.tenants = tenants.sorted()
        keys = requests.compactMap(\.idempotency)
    }

    /// `read` takes their results in the same order.
    var statements: [Statement] {
        // The clock after the head's lock: who waits for it long mustn't judge by when he began to.
        var result = [Statement("BEGIN"), Statement(Self.head), DatabaseClock.statement]
        if !names.isEmpty {
            result.append(Statement(Self.domains, [.names(names)]))
            result.append(Statement(Self.released, [.names(names)]))
            result.append(Statement(Self.held, [.names(names)]))
        }
        if !new.isEmpty {
            result.append(
                Statement(Self.parents, [.names(new), .texts(new.map(\.treeKey))]))
        }
        if !guarded.isEmpty { result.append(Statement(Self.freezes, [.names(guarded)])) }
        if !keys.isEmpty {
            result.append(
                Statement(Self.records, [.texts(keys.map(\.token)), .texts(keys.map(\.key))]))
        }
        if wantsLocations {
            result.append(Statement(Self.someLocations, [.texts(places.map(\.text))]))
        }
        if !tenants.isEmpty {
            result.append(Statement(Self.tenantPlaces, [.texts(tenants.map(\.name))]))
            result.append(Statement(Self.anyFrozen))
        }
        // A wave of half the domains is read faster as a whole than name by name.
        if isOfManyRows { result.append(Statement("SET LOCAL enable_seqscan = on")) }
        return result
    }

    mutating func read(_ results: [ResultRows], into pending: inout PendingWrites) throws {
        var rest = results.dropFirst(3)
        if !names.isEmpty, let live = rest.popFirst(), let released = rest.popFirst(),
            let held = rest.popFirst()
        {
            let stored = Dictionary(
                uniqueKeysWithValues: try live.map(Domain.init(row:)).map { ($0.fqdn, $0) })
            let resting = Dictionary(
                uniqueKeysWithValues: try released.map(ReleasedDomain.init(row:)).map {
                    ($0.fqdn, $0)
                })
            let holds = Dictionary(
                uniqueKeysWithValues: try held.map(HeldDomain.init(row:)).map { ($0.fqdn, $0) })
            for name in names {
                pending.know(
                    name, stored: stored[name], released: resting[name], held: holds[name])
            }
        }
        if !new.isEmpty, let parents = rest.popFirst() {
            childless = Set(new).subtracting(try parents.map { try $0.name(0) })
        }
        if !guarded.isEmpty, let waves = rest.popFirst() {
            for name in guarded { frozen[name] = .some(nil) }
            for row in 0..<waves.count {
                let row = waves[row]
                frozen[try row.name(0)] = try DomainFreeze(row: row)
            }
        }
        if !keys.isEmpty, let records = rest.popFirst() {
            for row in 0..<records.count {
                guard let record = try IdempotencyRecord(row: records[row]) else { continue }
                pending.know(record)
            }
        }
        if wantsLocations, let all = rest.popFirst() {
            for place in places { locations[place] = .some(nil) }
            for location in try all.map(Location.init(row:)) { locations[location.name] = location }
        }
        if !tenants.isEmpty, let rows = rest.popFirst(), let frozen = rest.popFirst() {
            var places: [TenantKey: [LocationName: Int]] = [:]
            for row in 0..<rows.count {
                let place = try Tenant.place(rows[row])
                places[TenantKey(try rows[row].text(2)), default: [:]][place.location] = place.count
            }
            for tenant in tenants { pending.know(tenant.name, places: places[tenant] ?? [:]) }
            isAnyFrozen = try frozen.first?.flag(0)
        }
    }
}
