import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite(
    "A wave on a full disk", .enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"))
struct FullDiskWaveTests {
    private static let names = (0..<4_000).map { "t\($0).example.com" }

    @Test func `doesn't move, and moves once there is room`() async throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let data = disk.url.appendingPathComponent("data")
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder, data: data)
        let registry = server.client
        try await registry.registerAll(Self.names)
        let migration = try await registry.plan()
        let id = migration.id
        let head = try await registry.send(.GET, "/v1/stats").position
        try disk.fill()

        for _ in 0..<2 {
            do {
                let answer = try await registry.take(.cutover, of: migration, key: "k")
                Issue.record("it moved: \(answer)")
            } catch ClientError.refused(let refusal) {
                #expect(refusal.status == 507 && refusal.code == "storage-full")
            }
        }
        #expect(try await registry.send(.GET, "/v1/stats").position == head)
        #expect(try await registry.migration(id).value == migration.withoutWarnings)
        #expect(try await registry.statistics().locations.map(\.domains) == [0, Self.names.count])

        try disk.makeRoom()
        let moved = try await registry.take(.cutover, of: migration, key: "k")
        #expect(!moved.isReplay)
        #expect(try moved.decode(WaveStepResponse.self).count == Self.names.count)
        try await server.crash()
        let words = try await StoppedStore(folder: folder, data: data).verify()
        #expect(words.hasPrefix("the chain holds"))
    }
}

extension Migration {
    /// As it's read later.
    fileprivate var withoutWarnings: Migration {
        var copy = self
        copy.warnings = []
        return copy
    }
}
