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
        var live: Domain?
        var released: ReleasedDomain?

        init(stored: Domain?, released: ReleasedDomain?) {
            self.stored = stored
            storedReleased = released
            live = stored
            self.released = released
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

    private(set) var head: Head
    private(set) var isHeadMoved = false
    private var names: [FQDN: Name] = [:]
    private(set) var lines: [Line] = []
    private(set) var headers: [Header] = []
    private(set) var records: [Key: IdempotencyRecord] = [:]
    private(set) var newRecords: Set<Key> = []
    private(set) var touched: Set<FQDN> = []
    /// Every name that was ever touched in this transaction, by `FQDN.treeKey`; also those whose command was
    /// taken back.
    private var tree: [(key: String, name: FQDN)] = []

    /// How to take back what the command at hand did.
    private var undo: [Undo] = []
    private var mark: (head: Head, isHeadMoved: Bool, lines: Int, headers: Int)

    private enum Undo {
        case name(FQDN, Name, wasTouched: Bool)
        case record(Key, IdempotencyRecord?, wasNew: Bool)
    }

    init(head: Head) {
        self.head = head
        mark = (head, false, 0, 0)
    }

    var isEmpty: Bool {
        !isHeadMoved && lines.isEmpty && headers.isEmpty && touched.isEmpty && newRecords.isEmpty
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
    mutating func know(_ fqdn: FQDN, stored: Domain?, released: ReleasedDomain?) {
        if names[fqdn] == nil { names[fqdn] = Name(stored: stored, released: released) }
    }

    /// - Parameter fqdn: one that was read before.
    mutating func change(_ fqdn: FQDN, _ body: (inout Name) -> Void) {
        let before = names[fqdn] ?? Name(stored: nil, released: nil)
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
                $0.live, $0.released, notOf: tenant, at: now)
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
                names[fqdn] = Name(stored: $0.live, released: $0.released)
            }
        }
        touched = []
        lines = []
        headers = []
        newRecords = []
        isHeadMoved = false
        undo = []
        mark = (head, false, 0, 0)
    }
}
