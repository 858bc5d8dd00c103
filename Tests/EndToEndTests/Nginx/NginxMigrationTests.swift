import RegistryAPI
import RegistryClient
import Testing

@Suite("nginx in front of a wave") struct NginxMigrationTests {
    private static let names = (0..<40).map { "t\($0).kintone.com" }

    /// A registry with these tenants at japan, and nginx before it.
    private static func start() async throws -> (ServerProcess, NginxProcess) {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        try await registry.client.registerAll(names + ["stays.kintone.com"])
        return (registry, try await NginxProcess.start(before: registry))
    }

    /// What all visitors get, once nginx's cache has caught up: at most some seconds later.
    private static func expectAll(
        _ expected: NginxProcess.Page, _ nginx: NginxProcess, posting: Bool = false
    ) async throws {
        for name in names {
            _ = try await poll("\(expected) at \(name)") {
                let page = try await nginx.visit(name, posting ? .POST : .GET)
                let isSame = page.status == expected.status && page.side == expected.side
                return isSame && page.retryAfter == expected.retryAfter ? true : nil
            }
        }
        #expect(try await nginx.visit("stays.kintone.com", .POST).side == "japan")
    }

    private static func served(_ side: String) -> NginxProcess.Page {
        .init(status: 200, body: side)
    }

    private static let held = NginxProcess.Page(status: 503, body: "This", retryAfter: "30")

    @Test func `lets a frozen wave read, and write again once it has moved, or thawed`()
        async throws
    {
        let (registry, nginx) = try await Self.start()
        try await Self.expectAll(Self.served("japan"), nginx, posting: true)
        let migration = try await registry.client.plan(freeze: "read_only", names: Self.names)
        for end in [WaveVerb.thaw, .cutover] {
            _ = try await registry.client.take(.freeze, of: migration)
            try await Self.expectAll(Self.held, nginx, posting: true)
            try await Self.expectAll(Self.served("japan"), nginx)
            _ = try await registry.client.take(end, of: migration)
            let side = end == .thaw ? "japan" : "aws"
            try await Self.expectAll(Self.served(side), nginx, posting: true)
            try await Self.expectAll(Self.served(side), nginx)
        }
        _ = try await registry.client.take(.rollback, of: migration)
        try await Self.expectAll(Self.served("japan"), nginx, posting: true)
        try await registry.crash()
    }

    @Test func `turns a rejected wave away until it has moved`() async throws {
        let (registry, nginx) = try await Self.start()
        let migration = try await registry.client.plan(freeze: "reject", names: Self.names)
        _ = try await registry.client.take(.freeze, of: migration)
        try await Self.expectAll(Self.held, nginx)
        try await Self.expectAll(Self.held, nginx, posting: true)
        _ = try await registry.client.take(.cutover, of: migration)
        try await Self.expectAll(Self.served("aws"), nginx)
        try await registry.crash()
    }
}
