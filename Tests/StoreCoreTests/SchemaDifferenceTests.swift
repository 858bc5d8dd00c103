import Testing

@testable import StoreCore

@Suite("A schema") struct SchemaDifferenceTests {
    private static func part(
        _ text: String, of owner: String?, isWhole: Bool = false
    ) -> SchemaPart {
        SchemaPart(text: text, owner: owner, isWhole: isWhole)
    }

    private static let own = [
        "table domain": part("domain as written", of: "domain", isWhole: true),
        "trigger keeps": part("keeps as written", of: "domain"),
        "function refuse": part("refuse as written", of: nil, isWhole: true),
    ]

    private static func difference(
        _ change: (inout [String: SchemaPart]) -> Void
    ) -> SchemaDifference {
        var found = own
        change(&found)
        return SchemaDifference(found, from: own)
    }

    @Test func `as its files make it has no flaw`() {
        let difference = Self.difference { _ in }
        #expect(difference.flaws.isEmpty && difference.foreign.isEmpty)
    }

    @Test func `is told what is gone, what says something else, and what nobody knows`() {
        let difference = Self.difference { found in
            found["trigger keeps"] = nil
            found["function refuse"]?.text = "returns"
            found["trigger lets"] = Self.part("lets", of: "domain")
        }
        #expect(
            difference.flaws.map(\.what) == [
                "the function refuse isn't what the schema says",
                "the trigger keeps is missing from the schema",
                "the schema has a trigger lets that isn't its own",
            ])
        #expect(difference.foreign.isEmpty)
    }

    @Test func `leaves alone what belongs to none of its tables, and names it`() {
        let difference = Self.difference { found in
            found["table notes"] = Self.part("notes", of: "notes", isWhole: true)
            found["trigger on notes"] = Self.part("on notes", of: "notes")
            found["function theirs"] = Self.part("theirs", of: nil, isWhole: true)
        }
        #expect(difference.flaws.isEmpty)
        #expect(difference.foreign == ["function theirs", "table notes"])
    }
}
