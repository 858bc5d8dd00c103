import COpenAPI
import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// Health, metrics and the description of the API.
struct OperationsRoutes: Sendable {
    let drain: DrainSignal
    let metricsText: @Sendable () -> String
    let readiness: ReadinessReport?
    private let started = ContinuousClock.now

    init(
        drain: DrainSignal, metricsText: @escaping @Sendable () -> String,
        readiness: ReadinessReport? = nil
    ) {
        self.readiness = readiness
        self.drain = drain
        self.metricsText = metricsText
    }

    /// The process answers. Depends on nothing.
    @Sendable func alive(_ call: inout Call) async throws -> Reply {
        .json(Array(#"{"status":"alive"}"#.utf8))
    }

    /// Whether this node should get requests: not before the table is loaded, not while it stops.
    @Sendable func ready(_ call: inout Call) async throws -> Reply {
        guard !drain.isDraining else {
            throw Problem(.serviceUnavailable, "not-ready", "the service is stopping")
                .with(.retryAfter, "1")
        }
        if let service = try? call.service, service.storeFlaw != nil {
            throw Problem(
                .serviceUnavailable, "not-ready",
                "\(Problem.pooledSessions); its log says more"
            ).with(.retryAfter, "1")
        }
        let position = try call.lookups.position()
        let more = try readiness?() ?? []
        guard call.query.items.contains(where: { $0.name == "verbose" }) else {
            return .json(Array(#"{"status":"ready"}"#.utf8))
        }
        let statistics = try call.lookups.statistics()
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("status", "ready")
        writer.field("epoch", position.epoch.text)
        writer.field("revision", statistics.revision.number)
        writer.field("domains", statistics.value.total)
        writer.field("uptime_seconds", started.duration(to: .now).components.seconds)
        for member in more {
            writer.key(named: member.key)
            writer.write(member.value)
        }
        if let service = try? call.service {
            writer.field("log_ahead_seconds", Int(service.logAhead / .seconds(1)))
            writer.field("agents_ahead", service.agentsAhead())
        }
        if let silence = try? call.service.storeSilence {
            writer.field("store_silence_ms", Int(silence / .milliseconds(1)))
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    @Sendable func metrics(_ call: inout Call) async throws -> Reply {
        Reply(
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: Array(metricsText().utf8))
    }

    private static let document = Array(
        UnsafeBufferPointer(start: openapi_document(), count: Int(openapi_document_size())))

    @Sendable func openAPI(_ call: inout Call) async throws -> Reply {
        Reply(headers: [.contentType: "application/yaml"], body: Self.document)
    }
}
