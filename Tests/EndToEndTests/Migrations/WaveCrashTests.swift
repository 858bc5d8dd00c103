import Testing

@Suite("A crash in the middle of a wave") struct WaveCrashTests {
    private static let cutovers = 20
    private static let others = 4

    @Test(.timeLimit(.minutes(10)))
    func `leaves all of it or nothing, and says which`() async throws {
        var crash = try await WaveCrash()
        func count(_ verb: WaveVerb) -> Int { crash.kills[verb] ?? 0 }

        // One life with everything: there, back, and there again by way of a freeze.
        try await crash.kill(during: .cutover, upTo: 3)
        try await crash.kill(during: .rollback, upTo: Self.others)
        try await crash.planAgain(freeze: "read_only")
        try await crash.kill(during: .freeze, upTo: Self.others)
        try await crash.kill(during: .cutover, upTo: 3)
        while count(.cutover) < Self.cutovers || count(.rollback) < Self.others
            || count(.freeze) < Self.others
        {
            try await crash.beginAnew()
            try await crash.kill(
                during: .cutover, upTo: min(5, max(1, Self.cutovers - count(.cutover))))
            guard count(.rollback) < Self.others || count(.freeze) < Self.others else { continue }
            try await crash.kill(
                during: .rollback, upTo: max(1, Self.others - count(.rollback)))
            try await crash.planAgain(freeze: "reject")
            try await crash.kill(during: .freeze, upTo: max(1, Self.others - count(.freeze)))
        }
        try await crash.finish()
        // Kills that never or always come too late would show nothing.
        #expect(crash.outcomes.done > 0 && crash.outcomes.undone > 0)
    }
}
