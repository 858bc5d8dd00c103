import Testing

/// One server for all tests of a suite, each of which uses names of its own.
struct RunningServer: SuiteTrait, TestScoping {
    var arguments: [String] = []

    @TaskLocal private static var shared: ServerProcess?

    /// The suite's server.
    static var current: ServerProcess {
        get throws { try #require(shared, "the suite has no .runningServer") }
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try await ServerProcess.start(in: TestFolder(), arguments: arguments)
        try await Self.$shared.withValue(server) { try await function() }
        try await server.crash()
    }
}

extension Trait where Self == RunningServer {
    static var runningServer: RunningServer { RunningServer() }

    static func runningServer(_ arguments: String...) -> RunningServer {
        RunningServer(arguments: arguments)
    }
}
