import ArgumentParser
import Foundation
import RegistryClient
import RegistryModel

/// Which zone's picture a command is about.
struct ZoneOptions: ParsableArguments {
    @Option(help: "The zone, as kintone.com.") var zone: String

    @Option(
        name: .customLong("default"),
        help:
            "The location that the zone's wildcard leads to: where most tenants live. (check: the signups' default)"
    )
    var defaultLocation: String?

    @Option(help: "Of the registry's records, in seconds. (check: any)") var ttl: UInt32?

    @Option(help: "A master file with the operator's own records; - for standard input.")
    var base: String?

    /// What a picture is made of has to be said wherever something is made of it.
    func requireAll() throws {
        guard defaultLocation != nil else { throw ValidationError("--default is expected.") }
        guard ttl != nil else { throw ValidationError("--ttl is expected.") }
    }

    /// What the server is asked for.
    func query(_ registry: RegistryClient) async throws -> [(String, String?)] {
        var location = defaultLocation
        if location == nil {
            location = try await registry.locations().first { $0.settings.isDefaultForSignups }?
                .name.text
        }
        return [("zone", zone), ("default", location), ("ttl", ttl.map { "\($0)" })]
    }

    func validate() throws {
        guard (try? FQDN(zone)) != nil else {
            throw ValidationError("--zone: a domain name is expected, as kintone.com.")
        }
    }

    /// The zone's name as record sets have it.
    func name() throws -> String {
        guard let name = try? FQDN(zone) else {
            throw CommandFailure.usage("--zone: a domain name is expected")
        }
        return name.text
    }

    func baseBytes() throws -> [UInt8]? {
        try base.map { try WholeFile.read($0) }
    }
}

/// A file that has to be there as a whole before anything can be done with it.
enum WholeFile {
    /// - Parameter path: `-` for standard input.
    static func read(_ path: String) throws -> [UInt8] {
        let file = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path)
        guard let file, let data = try? file.readToEnd() ?? Data() else {
            throw CommandFailure.usage("\(path) can't be read")
        }
        return [UInt8](data)
    }
}
