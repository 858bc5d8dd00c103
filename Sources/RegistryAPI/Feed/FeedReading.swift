import RegistryModel

/// Why bytes aren't what the feed or a snapshot sends. A reader must apply nothing of them.
package struct FeedFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    /// For people. Never holds what was sent.
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

// Strict but for one thing: members that this version doesn't know are passed over, so that an older
// copy can go on reading from a newer registry.

extension JSONObjectReader {
    /// Reads an object from a document of its own.
    static func read<Value>(
        _ bytes: some Collection<UInt8>, _ what: String,
        _ body: (inout JSONObjectReader) -> Value?
    ) throws(FeedFormatError) -> Value {
        var document = JSONDocument()
        return try read(bytes, what, in: &document, body)
    }

    /// The same in memory that one document after the other uses.
    static func read<Value>(
        _ bytes: some Collection<UInt8>, _ what: String, in document: inout JSONDocument,
        _ body: (inout JSONObjectReader) -> Value?
    ) throws(FeedFormatError) -> Value {
        do throws(JSONSyntaxError) {
            try document.read(bytes)
        } catch {
            throw FeedFormatError("\(what) isn't JSON: \(error)")
        }
        return try read(document, what, body)
    }

    static func read<Value>(
        _ document: JSONDocument, _ what: String, _ body: (inout JSONObjectReader) -> Value?
    ) throws(FeedFormatError) -> Value {
        var reader = JSONObjectReader(document)
        let result = body(&reader)
        if let problem = reader.problems.first {
            throw FeedFormatError("\(what): \(problem.pointer) \(problem.code), \(problem.detail)")
        }
        guard let result else { throw FeedFormatError("\(what) isn't complete") }
        return result
    }

    mutating func revision(_ name: String) -> Revision? {
        integer(name, in: 0...Int64.max).map(Revision.init)
    }

    /// A name in its canonical form, and no other.
    mutating func fqdn(_ name: String) -> FQDN? {
        guard let text = text(name) else { return nil }
        guard let fqdn = try? FQDN(text), fqdn.text.hasSameBytes(as: text) else {
            refuse(name, "invalid", "a name in canonical form is expected")
            return nil
        }
        return fqdn
    }

    mutating func location(_ name: String) -> LocationName? {
        guard let text = text(name) else { return nil }
        guard let location = LocationName(text) else {
            refuse(name, "invalid", "a location's name is expected")
            return nil
        }
        return location
    }

    mutating func time(_ name: String) -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            refuse(name, "invalid", "a time in RFC 3339 is expected")
            return nil
        }
        return time
    }

    mutating func epoch(_ name: String) -> Epoch? {
        string(name, maximum: 64).map { Epoch($0) }
    }

    /// `{"name","upstream"}`.
    mutating func locationUpstream(
        isNullable: Bool
    ) -> (name: LocationName, upstream: UpstreamURL?)? {
        let name = location("name")
        if isNullable, isNull("upstream") { return name.map { ($0, nil) } }
        guard let text = text("upstream") else { return nil }
        guard let upstream = UpstreamURL(text) else {
            refuse("upstream", "invalid", "an http or https URL is expected")
            return nil
        }
        return name.map { ($0, upstream) }
    }
}

/// Reads the lines of a snapshot after its header, one after the other in the same memory.
package struct SnapshotLines {
    private var document = JSONDocument()

    package init() {}

    /// - Parameter bytes: one line, without its line break.
    package mutating func domain(
        _ bytes: some Collection<UInt8>
    ) throws(FeedFormatError) -> Domain {
        try JSONObjectReader.read(bytes, "a domain", in: &document) { Domain(reading: &$0) }
    }
}
