import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A freeze over a restart") struct FreezeAcrossRestartTests {
    private static let names = (0..<20).map { "t\($0).example.com" }

    private static func frozen(
        _ server: ServerProcess, seconds: Int
    ) async throws -> (Migration, Date) {
        try await server.client.registerAll(names)
        let migration = try await server.client.plan(freeze: "reject", names: names)
        let answer = try await server.client.freeze(
            .init(
                migration: migration.id, number: 1, planDigest: migration.digestText,
                expectedCount: names.count), deadlineSeconds: seconds, call: .init(note: .init()))
        return (migration, try date(try #require(answer.value.deadline).description))
    }

    private static func date(_ text: String) throws -> Date {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return try #require(formatter.date(from: text))
    }

    @Test func `whose deadline runs out meanwhile ends at the next start`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let (migration, deadline) = try await Self.frozen(server, seconds: 12)
        try await server.crash()
        _ = try await poll("the deadline") { Date() > deadline ? true : nil }
        let id = migration.id
        let store = StoppedStore(folder: folder, data: server.data)
        try #require(try await store.wave(of: id).state == "frozen")

        let next = try await ServerProcess.start(in: folder)
        let state = try await poll("the thaw") {
            let now = try await next.client.migration(id).value
            return now.waves[0].state == .planned ? now : nil
        }
        #expect(state.state == .running && state.waves[0].deadline == nil)
        let page = try await next.client.history(
            of: nil, filter: [("migration", id), ("action", "thawed")], limit: 100)
        #expect(Set(page.items.compactMap(\.fqdn)) == Set(Self.names))
        #expect(Set(page.items.map(\.revision)).count == 1)
        for item in page.items {
            #expect(try Self.date(item.at.description) > deadline)
            #expect(item.after?.placement?.mode == "serve")
        }
        #expect(try await next.client.statistics().locations.map(\.frozen) == [0, 0])
        #expect(next.log.contains { $0.message == "a wave thawed at its deadline" })
        // It never moves by itself, and can still be moved by hand.
        _ = try await next.client.take(.freeze, of: migration)
        _ = try await next.client.take(.cutover, of: migration)
        try await next.crash()
    }

    @Test func `whose deadline is far stays, and moves afterwards`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let (migration, _) = try await Self.frozen(server, seconds: 3600)
        try await server.crash()
        let next = try await ServerProcess.start(in: folder)
        let now = try await next.client.migration(migration.id).value
        #expect(now.waves[0].state == .frozen && now.waves[0].deadline != nil)
        let held = try await next.client.domain(Self.names[0])
        #expect(held.value.mode == .reject)
        _ = try await next.client.take(.cutover, of: migration)
        #expect(try await next.client.domain(Self.names[0]).value.mode == .serve)
        try await next.crash()
    }
}
