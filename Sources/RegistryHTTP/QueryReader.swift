import RegistryAPI
import RegistryModel

extension NamedRevision {
    static let expected = "a revision, 0 or more, or <epoch>.<revision>"
}

/// Reads query parameters and collects everything that is wrong with them.
struct QueryReader {
    private let query: Query
    private var known: Set<String> = []
    private(set) var problems: [FieldProblem] = []

    /// `min_revision` is read before any handler.
    ///
    /// - Parameter names: parameters that somebody else reads.
    init(_ query: Query, knowing names: Set<String> = []) {
        self.query = query
        known = names.union(["min_revision"])
    }

    mutating func refuse(_ name: String, _ code: String, _ detail: String) {
        problems.append(FieldProblem(pointer: "?\(name)", code: code, detail: detail))
    }

    mutating func text(_ name: String, maximum: Int = 512) -> String? {
        assert(
            query.declared?.contains(name) ?? true || name == "min_revision",
            "\(name) isn't declared")
        known.insert(name)
        let values = query.values(name)
        guard let first = values.first else { return nil }
        guard values.count == 1 else {
            refuse(name, "repeated", "the parameter may come once")
            return nil
        }
        guard let value = first else {
            refuse(name, "invalid", "the value isn't percent-encoded UTF-8")
            return nil
        }
        guard value.unicodeScalars.count <= maximum else {
            refuse(name, "too-long", "the value may have at most \(maximum) characters")
            return nil
        }
        return value
    }

    /// A parameter that `parse` understands.
    mutating func value<Value>(
        _ name: String, _ expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = parse(text) else {
            refuse(name, "invalid", "\(expected) is expected")
            return nil
        }
        return value
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _: Value.Type
    ) -> Value? where Value.RawValue == String {
        let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return value(name, "one of \(allowed)", Value.init(rawValue:))
    }

    mutating func time(_ name: String) -> Timestamp? {
        // A plus sign that nobody escaped has become a space; in a time it can only be an offset's.
        value(name, "a time in RFC 3339") {
            Timestamp(rfc3339: $0.contains("T") ? $0.replacing(" ", with: "+") : $0)
        }
    }

    /// Whose epoch the caller checks.
    mutating func revision(_ name: String) -> NamedRevision? {
        value(name, NamedRevision.expected) { NamedRevision($0) }
    }

    /// 1–1000; 100 where it isn't given.
    mutating func limit() -> Int {
        value("limit", "a number from 1 to 1000") { text in
            Int(text).flatMap { (1...1000).contains($0) ? $0 : nil }
        } ?? 100
    }

    /// `limit` and `cursor`, which come last: the query is finished here.
    mutating func page<Key>(
        longest: Int = 512, _ read: (String) throws -> Key
    ) throws -> (limit: Int, after: Key?) {
        let limit = limit()
        let cursor = text("cursor", maximum: longest)
        try finish()
        return (limit, try cursor.map(read))
    }

    private enum Purpose: String, CaseIterable { case spreadsheet }

    /// `for=spreadsheet`: CSV that people open.
    mutating func isForSpreadsheet(only isCSV: Bool) -> Bool {
        guard choice("for", Purpose.self) != nil else { return false }
        if !isCSV { refuse("for", "conflict", "only CSV is made for spreadsheets") }
        return true
    }

    mutating func note() -> Note {
        let note = Note(reason: text("reason", maximum: 500), ticket: text("ticket", maximum: 100))
        let isClean = { (text: String?, allowed: String) in
            (text ?? "").unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control || allowed.unicodeScalars.contains($0)
            }
        }
        if !isClean(note.reason, "\n\r\t") {
            refuse("reason", "invalid", "control characters aren't allowed")
        }
        if !isClean(note.ticket, "") {
            refuse("ticket", "invalid", "control characters aren't allowed")
        }
        return note
    }

    /// - Throws: `invalid-request` with everything that is wrong; parameters that nobody has asked
    ///   for too, because a filter with a typing error would select everything.
    func finish() throws {
        let unknown = query.items.filter { !known.contains($0.name) }
        let problems =
            problems
            + unknown.map {
                FieldProblem(
                    pointer: "?\($0.name)", code: "unknown-parameter",
                    detail: "there is no such parameter here")
            }
        guard problems.isEmpty else { throw Problem.invalid(problems) }
    }
}

extension QueryReader: DomainFilterSource {
    mutating func text(of member: DomainFilterMember) -> String? { text(member.rawValue) }
}

/// The query of a request target, in order, percent-decoded.
struct Query: Sendable {
    struct Item: Sendable {
        var name: String
        /// `nil`: the text isn't UTF-8, a percent sign begins nothing, or it holds a NUL.
        var value: String?
    }

    let items: [Item]
    /// Parameters that the endpoint has; nil: not known.
    let declared: Set<String>?

    init(target: String, declared: Set<String>? = nil) {
        self.declared = declared
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            items = []
            return
        }
        // A target has no fragment (RFC 9112 §3.2): a number sign is a visitor's, and part of a host
        // that nobody has.
        let text = target[target.index(after: mark)...]
        items = text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Item(
                name: PercentCoding.decode(parts[0], plusIsSpace: true) ?? String(parts[0]),
                value: parts.count == 2 ? PercentCoding.decode(parts[1], plusIsSpace: true) : "")
        }
    }

    func values(_ name: String) -> [String?] {
        items.filter { $0.name == name }.map(\.value)
    }
}
