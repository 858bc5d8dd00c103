// Whose a record is: what the comparison looks things up in.

/// Where the base's own wildcards lead to.
struct BaseWildcards {
    /// By the name that each of them is below.
    private var targets: [String: KnownTargets] = [:]

    /// - Parameter served: of which those at the wildcards' names are what copies were made of before the base changed.
    init(_ base: [RecordSet], _ served: [RecordSet]) {
        for set in base where ZoneName.isWildcard(set.name) {
            targets[ZoneName.node(set.name), default: KnownTargets([])].insert(set)
        }
        guard !targets.isEmpty else { return }
        for set in served where ZoneName.isWildcard(set.name) {
            targets[ZoneName.node(set.name)]?.insert(set)
        }
    }

    /// Whether a set leads where wildcards above it do, or, for the rest, to what is known of locations.
    func areCopied(in set: RecordSet, _ known: KnownTargets) -> Bool {
        guard !targets.isEmpty else { return false }
        var rest = ZoneName.parent(set.name)
        while let above = rest {
            if targets[above]?.holds(set, or: known) ?? false { return true }
            rest = ZoneName.parent(above)
        }
        return false
    }
}

/// What there is at each name, by whose it is.
struct NameTable {
    struct Entry {
        var picture: [RecordSet] = []
        var base: [RecordSet] = []
        var own: [ServedSet] = []
        var servedBase: [ServedSet] = []
        var foreign: [ServedSet] = []
    }

    private(set) var numbers: [String: Int] = [:]
    private var entries: [Entry] = []

    subscript(number: Int) -> Entry {
        _read { yield entries[number] }
        _modify { yield &entries[number] }
    }

    func entry(of name: String) -> Entry? { numbers[name].map { entries[$0] } }

    mutating func number(of name: String) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = entries.count
        entries.append(Entry())
        return entries.count - 1
    }
}
