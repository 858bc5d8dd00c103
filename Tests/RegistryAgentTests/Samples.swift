import Foundation
import Logging
import RegistryModel
import RoutingTable
import Synchronization

/// A table with domains in every mode, at two places, some with a tenant.
func sampleTable(_ count: Int, revision: Int64 = 7) -> CompactRoutingTable {
    let table = CompactRoutingTable()
    load(table, count, revision: revision)
    return table
}

func load(
    _ table: CompactRoutingTable, _ count: Int, revision: Int64, at place: String? = nil
) {
    let domains = (0..<count).map { number in
        Domain(
            fqdn: FQDN(canonical: "t\(number).kintone.com"),
            placement: Placement(
                location: LocationName(
                    canonical: place ?? (number.isMultiple(of: 3) ? "aws" : "japan")),
                mode: Mode.allCases[number % 3],
                tenant: number.isMultiple(of: 2) ? "tenant \"\(number)\" é" : nil, fence: nil),
            revision: Revision(min(revision, Int64(number) + 1)),
            registeredAt: Timestamp(milliseconds: 1_500_000_000_000 + Int64(number)),
            changedAt: Timestamp(milliseconds: 1_600_000_000_000 + Int64(number)))
    }
    table.load(
        domains, locations: ["japan", "aws"].map { location($0) },
        at: Position(epoch: Epoch("epoch"), revision: Revision(revision)))
}

func location(_ name: String) -> Location {
    Location(
        name: LocationName(canonical: name),
        settings: LocationSettings(
            upstream: UpstreamURL(canonical: "http://\(name).internal:8080"),
            acceptsSignups: false, isDefaultForSignups: false),
        revision: .zero)
}

/// A folder of one test's own, gone when the test is.
final class TestFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func text(_ name: String) throws -> String {
        try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A value that a test and its tasks look at together.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) {
        mutex = Mutex(value)
    }

    var value: Value { mutex.withLock { $0 } }

    func change<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}

/// Asks until something is so: minutes, on a machine that does other things.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < deadline {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    throw NeverSo(what: what)
}

struct NeverSo: Error {
    let what: String
}
