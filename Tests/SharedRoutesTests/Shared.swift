import Foundation
import Logging
import RegistryModel
import RoutingTable
import TableSamples

@testable import SharedRoutes

/// A folder with one file of routes.
final class RoutesFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "routes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var path: String { url.appendingPathComponent("routes").path }

    func other(_ name: String) -> String { url.appendingPathComponent(name).path }

    func share(_ table: CompactRoutingTable = CompactRoutingTable()) throws -> SharedTable {
        try SharedTable(
            table, path: path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func reader() throws -> RoutesReader { try RoutesReader(path: path) }

    var inode: Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.systemFileNumber] as? Int
    }

    func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}

/// What a reader is to find.
func expected(_ domain: Domain?) -> RoutesReader.Finding {
    guard let domain else { return .unknown }
    return .found(
        RoutesReader.Route(
            location: domain.location, upstream: "http://\(domain.location).internal",
            mode: domain.mode, isFenced: false, revision: domain.revision))
}

func at(_ revision: Int64) -> Position { Position(epoch: epoch, revision: Revision(revision)) }
