/// Reads the fields of an object and collects everything that is wrong with them, each with a JSON
/// pointer (RFC 6901), rather than stop at the first.
///
/// Every reading method returns nil (or nothing) where the field is absent or wrong; whoever calls
/// `finish()` on each reader and finds no `problems` can rely on what was required being there.
/// Null is a value of the wrong kind, but for `isNull` and `nullable`. Keys are compared by octets.
///
/// Not Sendable: readers of one document share their problems. At most 100 are kept.
package struct JSONObjectReader {
    private let members: [JSONValue.Member]
    /// False where the value is something else, which is one problem and not one for each field.
    package let isObject: Bool
    private let pointer: String
    private let collector: JSONProblems
    /// By the index of the member.
    private var isKnown: [Bool]

    /// - Parameter pointer: where the value stands in the document that was sent.
    package init(_ value: JSONValue, pointer: String = "") {
        self.init(value, pointer: pointer, JSONProblems())
    }

    private init(_ value: JSONValue, pointer: String, _ collector: JSONProblems) {
        self.pointer = pointer
        self.collector = collector
        if case .object(let members) = value {
            self.members = members
            isObject = true
        } else {
            members = []
            isObject = false
            collector.add(pointer, "wrong-type", "an object is expected, not \(value.kind)")
        }
        isKnown = Array(repeating: false, count: members.count)
    }

    /// What has been found so far, in this object and in all others of the document.
    package var problems: [Problem] { collector.all }

    /// Adds a complaint of the caller's own about a field.
    package func refuse(_ name: String, _ code: String, _ detail: String) {
        collector.add(place(name), code, detail)
    }

    /// The same about an element of a field that is an array.
    package func refuse(_ name: String, at index: Int, _ code: String, _ detail: String) {
        collector.add(JSONPointer.appending(index, to: place(name)), code, detail)
    }

    /// Adds a complaint for each field that nobody has asked for. Not for those of objects inside:
    /// each reader has its own `finish()`.
    package func finish() {
        for (member, isKnown) in zip(members, isKnown) where !isKnown {
            guard !collector.isFull else { return }
            refuse(member.key, "unknown-field", "there is no such field here")
        }
    }

    // MARK: Presence

    /// Whether the field is there and null; asking makes it known.
    package mutating func isNull(_ name: String) -> Bool {
        take(name) == .null
    }

    /// A field that null clears, as in `nullable("tenant") { $0.optionalString($1, maximum: 200) }`.
    /// What `read` refuses counts as absent.
    package mutating func nullable<Value>(
        _ name: String, _ read: (inout JSONObjectReader, String) -> Value?
    ) -> JSONField<Value> {
        if isNull(name) { return .null }
        return read(&self, name).map { .value($0) } ?? .absent
    }

    /// The value as it came; asking makes it known.
    mutating func take(_ name: String) -> JSONValue? {
        // Objects have few fields, and callers ask for few names: no dictionary is worth it.
        guard let index = members.firstIndex(where: { $0.key.hasSameOctets(as: name) }) else {
            return nil
        }
        isKnown[index] = true
        return members[index].value
    }

    /// Whether the field is there; adds a complaint where it isn't.
    mutating func require(_ name: String) -> Bool {
        guard take(name) == nil else { return true }
        if isObject { refuse(name, "required", "the field is required") }
        return false
    }

    func mismatch<Value>(_ name: String, _ expected: String, _ value: JSONValue) -> Value? {
        collector.add(place(name), "wrong-type", "\(expected) is expected, not \(value.kind)")
        return nil
    }

    /// A reader of an element or a field of this object, which shares this one's problems.
    func nested(_ value: JSONValue, in name: String, at index: Int? = nil) -> JSONObjectReader {
        let field = place(name)
        let pointer = index.map { JSONPointer.appending($0, to: field) } ?? field
        return JSONObjectReader(value, pointer: pointer, collector)
    }

    private func place(_ name: String) -> String { JSONPointer.appending(name, to: pointer) }
}
