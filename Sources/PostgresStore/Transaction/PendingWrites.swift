import RegistryLedger
import RegistryModel
import StoreCore

/// What the commands of one transaction have decided, before any of it is sent.
///
/// A group of commands reads what it needs in one go, decides here, and writes in one go: the number
/// of ways to the server and back doesn't grow with the group. A refused command is taken back here,
/// so that no savepoint is needed.
struct PendingWrites {
    /// A name as the database has it, and as it will be.
    struct Name {
        var stored: Domain?
        var storedReleased: ReleasedDomain?
        var storedHeld: HeldDomain?
        var live: Domain?
        var released: ReleasedDomain?
        var held: HeldDomain?

        init(stored: Domain?, released: ReleasedDomain?, held: HeldDomain?) {
            self.stored = stored
            storedReleased = released
            storedHeld = held
            live = stored
            self.released = released
            self.held = held
        }
    }

    struct Line {
        var revision: Revision
        var position: Int
        var row: ChangeRow
    }

    struct Header {
        var header: RevisionHeader
        var digest: [UInt8]
        var changeCount: Int
    }

    struct Key: Hashable {
        var token: String
        var key: String
    }

    /// A tenant's domains in one place.
    struct TenantPlace: Hashable, Comparable {
        let tenant: TenantKey
        let location: LocationName

        static func < (left: TenantPlace, right: TenantPlace) -> Bool {
            (left.tenant, left.location) < (right.tenant, right.location)
        }
    }

    private(set) var head: Head
    private(set) var isHeadMoved = false
    private var names: [FQDN: Name] = [:]
    private(set) var lines: [Line] = []
    private(set) var headers: [Header] = []
    private(set) var records: [Key: IdempotencyRecord] = [:]
    private(set) var newRecords: Set<Key> = []
    private(set) var touched: Set<FQDN> = []
    /// Where tenants' domains are, as the database has it and as it will be.
    private var places: [TenantKey: [LocationName: Int]] = [:]
    private(set) var placeChanges: [TenantPlace: Int] = [:]
    /// Every name that was ever touched in this transaction, by `FQDN.treeKey`; also those whose command was
    /// taken back.
    private var tree: [(key: String, name: FQDN)] = []

    /// How to take back what the command at hand did.
    private var undo: [Undo] = []
    private var mark: (head: Head, isHeadMoved: Bool, lines: Int, headers: Int)

    private enum Undo {
        case name(FQDN, Name, wasTouched: Bool)
        case record(Key, IdempotencyRecord?, wasNew: Bool)
        case count(TenantPlace, by: Int)
    }

    init(head: Head) {
        self.head = head
        mark = (head, false, 0, 0)
    }

    var isEmpty: Bool {
        !isHeadMoved && lines.isEmpty && headers.isEmpty && touched.isEmpty && newRecords.isEmpty
            && placeChanges.isEmpty
    }

    // MARK: - Commands

    mutating func beginCommand() {
        undo.removeAll(keepingCapacity: true)
        mark = (head, isHeadMoved, lines.count, headers.count)
    }

    mutating func undoCommand() {
        for step in undo.reversed() {
            switch step {
            case .name(let fqdn, let name, let wasTouched):
                names[fqdn] = name
                if !wasTouched { touched.remove(fqdn) }
            case .record(let key, let record, let wasNew):
                records[key] = record
                if !wasNew { newRecords.remove(key) }
            case .count(let place, let change): add(-change, at: place)
            }
        }
        undo.removeAll(keepingCapacity: true)
        (head, isHeadMoved) = (mark.head, mark.isHeadMoved)
        lines.removeLast(lines.count - mark.lines)
        headers.removeLast(headers.count - mark.headers)
    }

    // MARK: - Names

    func name(_ fqdn: FQDN) -> Name? { names[fqdn] }

    /// A name as it was read from the database.
    mutating func know(
        _ fqdn: FQDN, stored: Domain?, released: ReleasedDomain?, held: HeldDomain?
    ) {
        guard names[fqdn] == nil else { return }
        names[fqdn] = Name(stored: stored, released: released, held: held)
    }

    /// - Parameter fqdn: one that was read before.
    mutating func change(_ fqdn: FQDN, _ body: (inout Name) -> Void) {
        let before = names[fqdn] ?? Name(stored: nil, released: nil, held: nil)
        undo.append(.name(fqdn, before, wasTouched: touched.contains(fqdn)))
        var name = before
        body(&name)
        names[fqdn] = name
        if touched.insert(fqdn).inserted {
            let key = fqdn.treeKey
            let place = place(after: key, orAt: true)
            if place == tree.count || tree[place].key != key {
                tree.insert((key, fqdn), at: place)
            }
        }
    }

    /// Names of a range that have changed in this transaction, in its order.
    func changedNames(in range: NameRange) -> [FQDN] {
        guard !tree.isEmpty else { return [] }
        return tree[place(after: range.after, orAt: false)...].prefix { $0.key < range.end }
            .map(\.name)
    }

    /// Whether a name is somebody else's now; nil: it wasn't read.
    func isOthers(_ fqdn: FQDN, notOf tenant: String?, at now: Timestamp) -> Bool? {
        names[fqdn].map {
            Entanglement<PostgresTransaction>.isOthers(
                $0.live, $0.released, $0.held, notOf: tenant, at: now)
        }
    }

    private func place(after key: String, orAt isIncluded: Bool) -> Int {
        var (low, high) = (0, tree.count)
        while low < high {
            let middle = (low + high) / 2
            let isBefore = isIncluded ? tree[middle].key < key : tree[middle].key <= key
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: - Tenants

    /// Nil: it wasn't read.
    func places(of tenant: String) -> [LocationName: Int]? { places[TenantKey(tenant)] }

    /// A tenant's places as they were read from the database.
    mutating func know(_ tenant: String, places stored: [LocationName: Int]) {
        let tenant = TenantKey(tenant)
        guard places[tenant] == nil else { return }
        places[tenant] = stored
        for (place, change) in placeChanges where place.tenant == tenant {
            places[tenant]?.add(change, at: place.location)
        }
    }

    mutating func count(_ place: TenantPlace, by change: Int) {
        undo.append(.count(place, by: change))
        add(change, at: place)
    }

    private mutating func add(_ change: Int, at place: TenantPlace) {
        placeChanges[place, default: 0] += change
        if placeChanges[place] == 0 { placeChanges[place] = nil }
        places[place.tenant]?.add(change, at: place.location)
    }

    // MARK: - The log

    mutating func append(_ changes: [Change], to revision: Revision, from position: Int) {
        for (position, change) in zip(position..., changes) {
            lines.append(Line(revision: revision, position: position, row: ChangeRow(change)))
        }
    }

    mutating func append(_ header: Header) {
        headers.append(header)
    }

    mutating func advance(to head: Head) {
        self.head = head
        isHeadMoved = true
    }

    // MARK: - Idempotency

    mutating func know(_ record: IdempotencyRecord) {
        records[Key(token: record.key.token, key: record.key.key)] = record
    }

    mutating func put(_ record: IdempotencyRecord) {
        let key = Key(token: record.key.token, key: record.key.key)
        undo.append(.record(key, records[key], wasNew: newRecords.contains(key)))
        records[key] = record
        newRecords.insert(key)
    }

    // MARK: - Sending

    /// Forgets what has been sent; what is known stays known.
    mutating func sent() {
        for fqdn in touched {
            names[fqdn].map {
                names[fqdn] = Name(stored: $0.live, released: $0.released, held: $0.held)
            }
        }
        touched = []
        lines = []
        headers = []
        newRecords = []
        placeChanges = [:]
        isHeadMoved = false
        undo = []
        mark = (head, false, 0, 0)
    }
}

extension [LocationName: Int] {
    fileprivate mutating func add(_ change: Int, at location: LocationName) {
        let count = self[location, default: 0] + change
        self[location] = count == 0 ? nil : count
    }
}
