/// What a message or a batch may hold, and what a change takes of it.
public struct BatchSize: Hashable, Sendable {
    public var names: Int
    public var records: Int
    /// Characters or bytes, as whoever limits them counts.
    public var text: Int

    public init(names: Int = 0, records: Int = 0, text: Int = 0) {
        self.names = names
        self.records = records
        self.text = text
    }

    static func + (left: BatchSize, right: BatchSize) -> BatchSize {
        BatchSize(
            names: left.names + right.names, records: left.records + right.records,
            text: left.text + right.text)
    }

    func fits(_ limit: BatchSize) -> Bool {
        names <= limit.names && records <= limit.records && text <= limit.text
    }
}

/// The order of the changes, in which every name is at each time answered as before all of them or as after all of them, if
/// batches take effect whole and one after the other.
///
/// A name that isn't in the tree is answered by the wildcard below its closest encloser (RFC 4592 §3.3.1). So a change
/// acts beyond its own name in two ways: a name that comes, or goes, takes or gives the wildcard above to all names below it;
/// and a wildcard that changes is the answer of all names that aren't there. The picture's trees have a wildcard at each
/// name, so nothing below an exception depends on what is above.
///
/// 1. A unit is a label right below the zone with everything under it. One that fits into a batch goes in one, and no
///    name in it is ever seen between.
/// 2. Units that come, come first: until then the zone's wildcard answers for them, and it must be the one from before.
/// 3. Units that were there and stay depend on nothing outside of them.
/// 4. Then the zone's wildcard changes. The names that it still answers for have no records before and none after.
/// 5. Units that go, go last: from then on the zone's wildcard answers, and it must be the one that stays.
///
/// A unit that no batch holds is done in the same three steps, name by name, a name and the wildcard below it together:
///
/// - What comes, comes from the top down: a name whose parent isn't there would make of the parent a name without records. Its
///   wildcard first has what has answered below it so far, and gets its own in the second step, when all are there.
/// - What stays is changed. Wildcards that go first get what will answer in their place: the names below them that have gone
///   already, or never were there, are answered by them until they go.
/// - What goes, goes from the bottom up.
///
/// Of a part nobody knows what is there already, and nothing goes: a unit that no message holds is written from the top down.
extension ZoneDifference {
    /// - Parameter size: of what becomes of a change.
    public func batches(
        within limit: BatchSize, size: (NameChange) -> BatchSize
    ) -> [[NameChange]] {
        var batches: [[NameChange]] = []
        var batch: [NameChange] = []
        var places: [String: Int] = [:]
        var filled = BatchSize()
        for step in steps(within: limit, size: size) {
            let needed = step.map(size).reduce(BatchSize(), +)
            if !batch.isEmpty, !(filled + needed).fits(limit) {
                batches.append(batch)
                batch = []
                places = [:]
                filled = BatchSize()
            }
            for change in step {
                // Of two changes of a name in one batch, nobody sees the state between.
                if let place = places[change.name] {
                    batch[place].after = change.after
                } else {
                    places[change.name] = batch.count
                    batch.append(change)
                }
            }
            filled = filled + needed
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    /// Changes that go together, in order.
    private func steps(
        within limit: BatchSize, size: (NameChange) -> BatchSize
    ) -> [[NameChange]] {
        var steps = Steps()
        let units = Dictionary(grouping: changes) { top(of: $0.name) }
        // How many sets each of them has, of whomever, before and after.
        var before = units.mapValues { _ in 0 }
        for set in served { before[top(of: set.set.name)]? += 1 }
        var splitting: Splitting?
        for (top, unit) in units.sorted(by: { $0.key < $1.key }) {
            if top == "*." + zone {
                steps.wildcard.append(unit)
            } else if !unit.map(size).reduce(BatchSize(), +).fits(limit) {
                let tool =
                    splitting
                    ?? Splitting(
                        before: ZoneAnswers(zone: zone, served.map(\.set)),
                        after: ZoneAnswers(zone: zone, result))
                splitting = tool
                if isPart {
                    tool.splitPart(unit, into: &steps)
                } else {
                    tool.split(unit, into: &steps)
                }
            } else if before[top] == 0 {
                steps.coming.append(unit)
            } else if before[top] == unit.reduce(0, { $0 + $1.before.count - $1.after.count }) {
                steps.going.append(unit)
            } else {
                steps.staying.append(unit)
            }
        }
        return steps.coming + steps.staying + steps.wildcard + steps.going
    }

    private func top(of name: String) -> String { ZoneName.top(of: name, below: zone) ?? zone }

    /// What the server has once all changes are made.
    private var result: [RecordSet] {
        let changed = Dictionary(uniqueKeysWithValues: changes.map { ($0.name, $0.before) })
        let kept = served.filter { !(changed[$0.set.name]?.contains($0) ?? false) }
        return kept.map(\.set) + changes.flatMap(\.after)
    }

    private struct Steps {
        var coming: [[NameChange]] = []
        var staying: [[NameChange]] = []
        var wildcard: [[NameChange]] = []
        var going: [[NameChange]] = []
    }

    private struct Splitting {
        let before: ZoneAnswers
        let after: ZoneAnswers

        func split(_ unit: [NameChange], into steps: inout Steps) {
            var (coming, going): ([String: [NameChange]], [String: [NameChange]]) = ([:], [:])
            for change in unit {
                let node = ZoneName.node(change.name)
                if change.before.isEmpty {
                    let (first, then) = arriving(change, below: node)
                    coming[node, default: []].append(first)
                    if let then { steps.staying.append([then]) }
                } else if change.after.isEmpty {
                    let (first, last) = leaving(change, below: node)
                    if let first { steps.staying.append([first]) }
                    going[node, default: []].append(last)
                } else {
                    steps.staying.append([change])
                }
            }
            steps.coming += fromTop(coming)
            steps.going += fromTop(going).reversed()
        }

        /// A name and the wildcard below it together: both are there before anything below them.
        func splitPart(_ unit: [NameChange], into steps: inout Steps) {
            steps.coming += fromTop(Dictionary(grouping: unit) { ZoneName.node($0.name) })
        }

        /// - Parameter changes: by the name that they're about.
        private func fromTop(_ changes: [String: [NameChange]]) -> [[NameChange]] {
            changes.sorted { left, right in
                (ZoneName.depth(of: left.key, below: before.zone), left.key)
                    < (ZoneName.depth(of: right.key, below: before.zone), right.key)
            }.map(\.value)
        }

        private func arriving(
            _ change: NameChange, below node: String
        ) -> (NameChange, then: NameChange?) {
            guard ZoneName.isWildcard(change.name) else { return (change, nil) }
            let so = ZoneDifference.stand(in: change.name, for: before.wildcard(below: node))
            guard !so.isEmpty, Set(so) != Set(change.after) else { return (change, nil) }
            var first = change
            first.after = so
            var then = change
            then.before = so.map { ServedSet($0) }
            return (first, then)
        }

        private func leaving(
            _ change: NameChange, below node: String
        ) -> (first: NameChange?, NameChange) {
            guard ZoneName.isWildcard(change.name) else { return (nil, change) }
            let instead = ZoneDifference.stand(in: change.name, for: after.wildcard(below: node))
            guard !instead.isEmpty, Set(instead) != Set(change.before.map(\.set)) else {
                return (nil, change)
            }
            var first = change
            first.after = instead
            var last = change
            last.before = instead.map { ServedSet($0) }
            return (first, last)
        }
    }
}
