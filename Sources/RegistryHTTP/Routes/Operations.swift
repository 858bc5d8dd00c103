import COpenAPI
import HTTPTypes
import NIOPosix
import RegistryAPI
import RegistryModel
import RegistryService

/// Health, metrics and the description of the API.
struct OperationsRoutes: Sendable {
    let drain: DrainSignal
    let metricsText: @Sendable () -> String
    let readiness: ReadinessReport
    let started = ContinuousClock.now

    /// For `--ops-listen`: a port of their own, where nobody needs a token. Its problems have their pages, too.
    var endpoints: [Endpoint] {
        let handlers: [(EndpointID, Endpoint.EdgeHandler)] = [
            (.getLiveness, alive), (.getReadiness, ready), (.getMetrics, metrics),
            (.getProblemPage, ProblemRoutes().page),
        ]
        return handlers.map { Endpoint($0.declaration, $1).open }
    }

    /// The process answers. Depends on nothing.
    @Sendable func alive(_ call: EdgeCall) async throws -> EndpointResponse {
        .json(Array(#"{"status":"alive"}"#.utf8))
    }

    /// Whether this node should get requests: not before the table is loaded, not while it stops.
    @Sendable func ready(_ call: EdgeCall) async throws -> EndpointResponse {
        guard !drain.isDraining else {
            throw Problem(.serviceUnavailable, "not-ready", "the service is stopping")
                .with(.retryAfter, "1")
        }
        let more = try readiness()
        let position = try call.lookups.position()
        guard call.query.items.contains(where: { $0.name == "verbose" }) else {
            return .json(Array(#"{"status":"ready"}"#.utf8))
        }
        // An agent answers by what it shares while it still reads the rest.
        let statistics = try? call.lookups.statistics()
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("status", .text("ready"))
        writer.field("epoch", .text(position.epoch.text))
        writer.field("revision", Cell(statistics?.revision ?? position.revision))
        if let statistics { writer.field("domains", Cell(statistics.value.total)) }
        writer.field("uptime_seconds", .number(started.duration(to: .now).components.seconds))
        for member in more {
            writer.key(named: member.key)
            writer.write(member.value)
        }
        writer.endObject()
        return .json(writer.finish())
    }

    @Sendable func metrics(_ call: EdgeCall) async throws -> EndpointResponse {
        EndpointResponse(
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: Array(metricsText().utf8))
    }

    private static let document = Array(
        UnsafeBufferPointer(start: openapi_document(), count: Int(openapi_document_size())))

    @Sendable func openAPI(_ call: EdgeCall) async throws -> EndpointResponse {
        EndpointResponse(headers: [.contentType: "application/yaml"], body: Self.document)
    }
}

/// Adds members to the answer of `/readyz?verbose`; throws where the node isn't ready.
package typealias ReadinessReport = @Sendable () throws -> [JSONValue.Member]

extension RegistryService {
    func readiness() throws -> [JSONValue.Member] {
        guard storeFlaw == nil else {
            throw Problem(
                .serviceUnavailable, "not-ready",
                "\(Problem.pooledSessions); its log says more"
            ).with(.retryAfter, "1")
        }
        let silence = storeSilence.map { Int64($0 / .milliseconds(1)) }
        return [
            .init(key: "log_ahead_seconds", value: .integer(Int64(logAhead / .seconds(1)))),
            .init(key: "agents_ahead", value: .integer(Int64(agentsAhead()))),
        ] + (silence.map { [.init(key: "store_silence_ms", value: .integer($0))] } ?? [])
    }
}

/// `/v1/backup`: a copy of the whole store. It is made before the first byte is sent, so that a slow client
/// holds up nothing but its own copy.
struct BackupRoutes: Sendable {
    private static let pieceSize = 256 * 1024

    @Sendable func make(_ call: RegistryCall) async throws -> EndpointResponse {
        let note = try call.noteOnlyBody()
        let copy = try await call.service.backup(call.writing(note))
        var response = EndpointResponse(revision: copy.head.revision)
        response.headers[.contentType] = MediaType.sqlite.rawValue
        response.headers[.contentDisposition] =
            "attachment; filename=\"tenant-registry-\(copy.head.epoch)-\(copy.head.revision).sqlite\""
        response.stream = { write in
            var sent: Int64 = 0
            while sent < copy.byteCount {
                let offset = sent
                // Reading a file blocks: not on a thread that others' requests need.
                let piece = try await NIOThreadPool.singleton.runIfActive {
                    try copy.read(offset, Self.pieceSize)
                }
                guard !piece.isEmpty else { throw RegistryError.backupFailed }
                sent += Int64(piece.count)
                try await write(piece)
            }
        }
        return response
    }
}
