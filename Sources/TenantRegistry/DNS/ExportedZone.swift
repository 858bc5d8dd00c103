import NIOCore
import RegistryAPI
import RegistryClient
import RegistryDNS
import RegistryModel

/// A zone as the server exports it, read.
struct ExportedZone {
    /// The registry's own record sets.
    var picture: [RecordSet] = []
    /// The operator's, which `--base` has.
    var base: [RecordSet] = []
    /// What the registry knows and the picture can't say.
    var leftOut: [LeftOutName] = []
    /// Of a part: where there's nothing.
    var absent: [AbsentName] = []
    /// What it was read at.
    var position: Position?

    /// - Parameters:
    ///   - base: the operator's records.
    ///   - since: what has changed after this revision is wanted; nil: all.
    static func read(
        _ zone: ZoneOptions, base: [UInt8]?, since: NamedRevision? = nil,
        from registry: RegistryClient
    ) async throws -> ExportedZone {
        var exported = ExportedZone()
        var lines = LineSplitter()
        var document = JSONDocument()
        let query =
            try await zone.query(registry) + [("changed_since", since.map { "\($0)" })]
        exported.position = try await registry.exportZone(.records, query, base: base) { piece in
            for line in lines.lines(in: piece) {
                try exported.add(line, &document)
            }
        }
        return exported
    }

    /// Says what the picture doesn't.
    func sayLeftOut() {
        for out in leftOut { StandardError.write("left out: \(out.name): \(out.reason)\n") }
    }

    /// The revision, for people.
    var revision: String { position.map { "\($0.revision)" } ?? "an unknown one" }
}

extension ExportedZone {
    /// Adds a line of the record export.
    private mutating func add(_ line: [UInt8], _ document: inout JSONDocument) throws(ClientError) {
        do {
            try document.read(line)
        } catch {
            throw .unreadable("\(error)")
        }
        var object = JSONObjectReader(document)
        if object.has("left_out") {
            if let name = LeftOutName(reading: &object) { return leftOut.append(name) }
        } else if object.has("absent") {
            if let name = AbsentName(reading: &object) { return absent.append(name) }
        } else if let set = RecordSet(reading: &object), object.problems.isEmpty {
            if set.isOperators { base.append(set) } else { picture.append(set) }
            return
        }
        let problem = object.problems.first.map { "\($0.pointer): \($0.detail)" } ?? ""
        throw .unreadable(
            "a record set: \(problem): \(String(decoding: line.prefix(300), as: UTF8.self))")
    }
}
