import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/history/head` and `/v1/history/verify`: what vouches for the log, and whether it does.
struct HistoryHeadRoutes: Sendable {
    static let types = EndpointID.verifyHistory.declaration.produces

    @Sendable func head(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let head = try await call.service.head()
        return .json(HistoryHead(head), at: head.revision)
    }

    @Sendable func verify(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let noted = query.value("expect", "REVISION:DIGEST, as 48211:sha256:9f86…,") {
            NotedDigest($0)
        }
        try query.finish()
        try call.service.checkNoVerificationRuns()
        let type = ContentNegotiation.choice(of: Self.types, call.request.headers) ?? .json
        // HEAD asks whether the endpoint is there, not for minutes of work.
        let response =
            if call.request.method == .head || type == .ndjson {
                stream(call.service, noted, type)
            } else {
                try await answer(call.service, noted)
            }
        return response.with(.vary, "Accept")
    }

    private func answer(_ service: RegistryService, _ noted: NotedDigest?) async throws
        -> EndpointResponse
    {
        let result = try await service.verify(noted)
        return .json(VerificationResponse(result), at: result.revision)
    }

    /// Lines that tell how far it is, and the result in the last one. No more than one line lies ready:
    /// a slow reader misses some.
    private func stream(
        _ service: RegistryService, _ noted: NotedDigest?, _ type: MediaType
    ) -> EndpointResponse {
        var response = EndpointResponse(headers: [.contentType: type.rawValue])
        response.stream = { write in
            let (steps, step) = AsyncStream.makeStream(
                of: VerificationProgress.self, bufferingPolicy: .bufferingNewest(1))
            async let result = Self.run(service, noted, step)
            var told = ContinuousClock.now - Self.interval
            var untold: VerificationProgress?
            for await progress in steps {
                untold = progress
                guard told.duration(to: .now) >= Self.interval else { continue }
                (told, untold) = (.now, nil)
                try await write(progress.json + [0x0A])
            }
            if let untold { try await write(untold.json + [0x0A]) }
            try await write(VerificationResponse(result).json + [0x0A])
        }
        return response
    }

    /// Between two lines, at least.
    private static let interval = Duration.milliseconds(200)

    private static func run(
        _ service: RegistryService, _ noted: NotedDigest?,
        _ step: AsyncStream<VerificationProgress>.Continuation
    ) async throws -> Verification {
        defer { step.finish() }
        return try await service.verify(noted) { step.yield($0) }
    }
}
