import Foundation
import RegistryAPI
import SharedRoutes
import Synchronization
import Testing

@Suite("Envoy with shared routes", .timeLimit(.minutes(10))) struct EnvoySharedTests {
    private struct Edge {
        let registry: ServerProcess
        let agent: AgentProcess
        let folder: TestFolder
        let envoy: EnvoyProcess

        static func start(workers: Int = 1, _ names: [String] = []) async throws -> Edge {
            let registry = try await ServerProcess.startOpen()
            try await registry.client.registerAll(names)
            let folder = try TestFolder()
            let agent = try await EnvoySharedTests.agent(of: registry, folder)
            try await agent.shares(registry.revision(), in: folder.file("routes"))
            let envoy = try await EnvoyProcess.start(
                withRoutesAt: folder.file("routes").path, workers: workers)
            return Edge(registry: registry, agent: agent, folder: folder, envoy: envoy)
        }

        func isConverged() async throws {
            let convergence = try await registry.client.convergence(waitSeconds: 30).value
            #expect(convergence.converged == 1)
        }

        func stop() async throws {
            try await envoy.stop()
            try await agent.crash()
            try await registry.crash()
        }
    }

    private static func agent(
        of registry: ServerProcess, _ folder: TestFolder, state: String = "state"
    ) async throws -> AgentProcess {
        try await AgentProcess.start(
            in: folder, upstream: registry.url, state: folder.file(state),
            arguments: ["--share", folder.file("routes").path])
    }

    @Test func `sends a thousand tenants each to its side, whatever visitors say`() async throws {
        let registry = try await ServerProcess.startOpen()
        try await Crowd.register(with: registry)
        let folder = try TestFolder()
        let agent = try await Self.agent(of: registry, folder)
        try await agent.shares(registry.revision(), in: folder.file("routes"))
        let envoy = try await EnvoyProcess.start(
            withRoutesAt: folder.file("routes").path, workers: 2)
        try await Crowd.expectRightSides(envoy.visitor, without: EnvoyProcess.refusedField)
        try await Crowd.expectNoSideForStrangers(envoy.visitor)
        try await Crowd.expectOneTruthForDoubleHosts(envoy.visitor)
        _ = try await registry.client.putLocation(
            "mars", upstream: "http://mars.example", acceptsSignups: true, isDefault: false,
            note: .init())
        try await agent.shares(
            registry.move("t0.kintone.com", to: "mars"), in: folder.file("routes"))
        #expect(try await envoy.visitor.visit("t0.kintone.com").status == 502)
        try await envoy.stop()
    }

    @Test func `waits for an agent that starts later, and follows a file in another's place`()
        async throws
    {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["a.kintone.com"])
        let folder = try TestFolder()
        let path = folder.file("routes")
        let envoy = try await EnvoyProcess.start(withRoutesAt: path.path)
        func expectAway() async throws {
            let page = try await envoy.visitor.visit("a.kintone.com")
            #expect(page.status == 503 && page.retryAfter == "5", "\(page)")
        }
        func becomes(_ side: String) async throws {
            _ = try await poll(side) {
                try await envoy.visitor.visit("a.kintone.com").side == side ? true : nil
            }
        }
        try await expectAway()
        try Data("no routes".utf8).write(to: path)
        try await expectAway()
        try FileManager.default.removeItem(at: path)
        let first = try await Self.agent(of: registry, folder)
        try await becomes("japan japan serve")
        // The state of the agent is lost, and its file too.
        try await first.crash()
        try FileManager.default.removeItem(at: path)
        #expect(try await envoy.visitor.visit("a.kintone.com").side == "japan japan serve")
        _ = try await registry.move("a.kintone.com", to: "aws")
        let second = try await Self.agent(of: registry, folder, state: "second")
        try await becomes("aws aws serve")
        try await second.crash()
        try await registry.crash()
        #expect(try await envoy.visitor.visit("a.kintone.com").side == "aws aws serve")
        try await envoy.stop()
    }

    /// Each visit is a connection of its own, so that all workers have some.
    @Test func `sends nobody to the old side in any worker once a move is everywhere`()
        async throws
    {
        let names = (0..<8).map { "t\($0).kintone.com" }
        let edge = try await Edge.start(workers: 4, names)
        let visitor = edge.envoy.visitor
        for turn in 1...10 {
            let side = turn % 2 == 0 ? "japan" : "aws"
            for name in names { _ = try await edge.registry.move(name, to: side) }
            try await edge.isConverged()
            for name in names {
                #expect(try await visitor.visit(name).side == "\(side) \(side) serve")
            }
        }
        for name in names {
            _ = try await edge.registry.succeed("domains", "change", name, "--mode", "read_only")
        }
        try await edge.isConverged()
        for name in names {
            let page = try await visitor.visit(name, "POST", ["Content-Length: 0"])
            #expect(page.status == 503 && page.retryAfter == "30", "\(page)")
            #expect(try await visitor.visit(name).side == "japan japan read_only")
        }
        try await edge.stop()
    }

    @Test func `serves everybody while its file is replaced again and again`() async throws {
        let edge = try await Edge.start(workers: 4, ["a.kintone.com"])
        let path = edge.folder.file("routes").path
        let rush = Rush()
        func inode() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        }
        var inodes = Set([try inode()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    while !rush.isOver.load(ordering: .relaxed) {
                        let page = try await edge.envoy.visitor.visit("a.kintone.com")
                        #expect(page.side == "japan japan serve", "\(page)")
                        rush.visits.add(1, ordering: .relaxed)
                    }
                }
            }
            // Each batch is more than the file before it has room for.
            for batch in [1_000, 2_000, 4_000, 8_000, 16_000] {
                try await edge.registry.client.registerAll(
                    (0..<batch).map { "t\($0)-\(batch).kintone.com" })
                try await edge.agent.shares(
                    edge.registry.revision(), in: edge.folder.file("routes"))
                let last = "t\(batch - 1)-\(batch).kintone.com"
                #expect(try await edge.envoy.visitor.visit(last).side == "japan japan serve")
                inodes.insert(try inode())
            }
            rush.isOver.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(inodes.count >= 4 && rush.visits.load(ordering: .relaxed) > 100, "\(inodes)")
        try await edge.stop()
    }

    /// No agent writes fences yet: this one is put into the file.
    @Test func `refuses writes to a fenced domain once the lease has ended`() async throws {
        let edge = try await Edge.start(["a.kintone.com", "b.kintone.com"])
        try await edge.agent.crash()
        try Fence.put(2, on: "a.kintone.com", inFileAt: edge.folder.file("routes"))
        let visitor = edge.envoy.visitor
        let refused = try await visitor.visit("a.kintone.com")
        #expect(refused.status == 503 && refused.retryAfter == "30", "\(refused)")
        #expect(try await visitor.visit("b.kintone.com").side == "japan japan serve")
        try Fence.put(1, on: "a.kintone.com", inFileAt: edge.folder.file("routes"))
        #expect(try await visitor.visit("a.kintone.com").side == "japan japan read_only")
        let write = try await visitor.visit("a.kintone.com", "POST", ["Content-Length: 0"])
        #expect(write.status == 503 && write.retryAfter == "30", "\(write)")
        try await edge.stop()
    }

    @Test func `refuses a configuration whose path isn't absolute`() async throws {
        let folder = try TestFolder()
        let program = try await Repository.script("proxy", ["envoy"], folder)
        let text = try Repository.configuration(
            "deploy/envoy/shared.yaml",
            [
                ("value: /run/tenant-registry/routes", "value: routes"),
                ("/usr/lib/libtenantroutes_envoy.so", try await Repository.envoyModule.path),
            ])
        let file = try folder.write(text, to: "envoy.yaml")
        let envoy = try ChildProcess(
            URL(fileURLWithPath: program), ["--mode", "validate", "-c", file.path],
            outputs: folder.url)
        #expect(try await envoy.waitForExit() != .code(0))
        #expect(envoy.errors.contains("filter_config has to be an absolute path"))
    }
}

/// Visitors who come until they're told that it's over.
private final class Rush: Sendable {
    let isOver = Atomic(false)
    let visits = Atomic(0)
}

/// What a registry with fences would have had an agent write.
private enum Fence {
    /// - Parameter fence: the mode that counts when the lease has ended, which it has.
    static func put(_ fence: Int32, on host: String, inFileAt url: URL) throws {
        let file = try FileHandle(forUpdating: url)
        defer { try? file.close() }
        let size = Int(try file.seekToEnd())
        let map = try #require(
            mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fileDescriptor, 0))
        try #require(map != MAP_FAILED)
        defer { munmap(map, size) }
        var flaw = RoutesView.Flaw.none
        let view = try #require(RoutesView.open(UnsafeRawPointer(map), size: size, &flaw))
        let name = Array(host.utf8)
        let found = name.withUnsafeBytes { view.search($0.baseAddress!, $0.count) }
        guard case .found(let record) = found else {
            Issue.record("\(host) isn't there")
            return
        }
        for offset in [record, record + 8] {
            let word = RouteWord(bits: view.word(at: offset))
            guard word.isPresent else { continue }
            let fenced = RouteWord(
                revision: word.revision, location: word.location, mode: word.mode, fence: fence)
            map.storeBytes(of: fenced.bits, toByteOffset: offset, as: UInt64.self)
        }
        map.storeBytes(of: 1, toByteOffset: RoutesFormat.Field.leaseEnd, as: UInt64.self)
    }
}
