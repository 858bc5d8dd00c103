import Crypto
import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel

/// What a name server was given last: the picture of which zone, made of what, through which revision.
///
/// A script keeps it. `dns diff` writes what will be so once its messages are taken into a file beside it, which
/// the script then puts into its place: nobody takes for published what no server has.
struct PublishedZone: Equatable {
    var zone: String
    var defaultLocation: String
    /// In seconds.
    var ttl: UInt32
    /// SHA-256 of the operator's records; nil: there are none.
    var base: String?
    var through: Position

    init(_ options: ZoneOptions, base: [UInt8]?, through: Position) throws {
        zone = try options.name()
        defaultLocation = options.defaultLocation ?? ""
        ttl = options.ttl ?? 0
        self.base = base.map { DigestText.text(Array(SHA256.hash(data: $0))) }
        self.through = through
    }

    /// - Throws: `failed` where nothing was published, or something else.
    static func read(
        _ path: String, _ options: ZoneOptions, base: [UInt8]?
    ) throws -> PublishedZone {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure.failed("\(path) isn't there yet: compare the whole zone")
        }
        let bytes = try WholeFile.read(path)
        guard let document = try? JSONDocument(parsing: bytes) else {
            throw CommandFailure.failed("\(path) can't be read: compare the whole zone")
        }
        var object = JSONObjectReader(document)
        guard let published = PublishedZone(reading: &object), object.problems.isEmpty else {
            throw CommandFailure.failed("\(path) can't be read: compare the whole zone")
        }
        guard published == (try PublishedZone(options, base: base, through: published.through))
        else {
            throw CommandFailure.failed(
                "\(path) is of another --zone, --default, --ttl or --base: compare the whole zone")
        }
        return published
    }

    /// Where what is about to be published is written to.
    static func next(_ path: String) -> String { path + ".next" }

    func write(to path: String) throws {
        var writer = JSONWriter()
        write(to: &writer)
        writer.endLine()
        do throws(FileFailure) {
            try DurableFile.write(writer.finish(), to: path, .kept(otherwise: 0o666))
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension PublishedZone: Shape {
    static let fields: [ShapeField<PublishedZone>] = [
        ShapeField("zone") { .text($0.zone) },
        ShapeField("default") { .text($0.defaultLocation) },
        ShapeField("ttl") { .number(Int64($0.ttl)) },
        .optional("base") { $0.base.map { .text($0) } ?? .absent },
        ShapeField("through") { .text($0.through.description) },
    ]

    init?(reading object: inout JSONObjectReader) {
        let zone = object.string("zone", maximum: 253)
        let location = object.string("default", maximum: 253)
        let ttl = object.integer("ttl", in: 0...Int64(UInt32.max))
        let base = object.has("base") ? object.string("base", maximum: 100) : nil
        let through = object.string("through", maximum: 100).flatMap { Position($0) }
        guard let zone, let location, let ttl, let through else { return nil }
        self.zone = zone
        defaultLocation = location
        self.ttl = UInt32(ttl)
        self.base = base
        self.through = through
    }
}
