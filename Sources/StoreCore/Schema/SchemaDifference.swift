import RegistryModel

/// One part of a schema as the engine writes it down: a table, a column, an index, a rule.
package struct SchemaPart: Hashable, Sendable {
    package var text: String
    /// The table that it is, or belongs to; nil for what belongs to none.
    package var owner: String?
    /// A table, a view or a function, and no part of one.
    package var isWhole: Bool

    package init(text: String, owner: String?, isWhole: Bool) {
        (self.text, self.owner, self.isWhole) = (text, owner, isWhole)
    }
}

/// A store's schema held against the one that its files make: rules that are gone, that say something else, that are
/// switched off, or that nobody knows.
package struct SchemaDifference: Sendable {
    package let flaws: [Verification.Flaw]
    /// Tables and whatever else isn't the store's own, by kind and name: they're left alone. What belongs to a table of
    /// the store's own is a flaw.
    package let foreign: [String]

    /// - Parameters:
    ///   - found: the store's parts, by kind and name.
    ///   - expected: those that the files make.
    package init(_ found: [String: SchemaPart], from expected: [String: SchemaPart]) {
        let own = Set(expected.values.compactMap(\.owner))
        func isForeign(_ part: SchemaPart) -> Bool { part.owner.map { !own.contains($0) } ?? true }
        flaws = Set(expected.keys).union(found.keys).sorted().compactMap { name in
            switch (expected[name], found[name]) {
            case (nil, let part?) where isForeign(part): nil
            case (nil, _): .init(nil, "the schema has a \(name) that isn't its own")
            case (_, nil): .init(nil, "the \(name) is missing from the schema")
            case (let wanted, let part) where wanted != part:
                .init(nil, "the \(name) isn't what the schema says")
            default: nil
            }
        }
        foreign = found.filter { name, part in
            expected[name] == nil && part.isWhole && isForeign(part)
        }.keys.sorted()
    }
}
