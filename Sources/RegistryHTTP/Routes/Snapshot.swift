import HTTPTypes
import Metrics
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/snapshot`: the whole routing table at one revision, where a copy of it begins.
///
/// Header and count come from this node's table; the lines from the store, as of that revision.
struct SnapshotRoutes: Sendable {
    private let snapshots = Counter(
        label: "registry_snapshots_total", dimensions: [("kind", "snapshot")])

    @Sendable func snapshot(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let (position, summary) = try call.service.snapshot()
        let file = WholeFile(call, tag: position.description, at: position.revision)
        if let response = file.notModified { return response }
        snapshots.increment()
        var writer = JSONWriter()
        writer.write(
            SnapshotHeader(
                epoch: position.epoch, revision: position.revision, count: summary.count,
                digest: summary.digest.description,
                locations: summary.locations.map { .init(name: $0.name, upstream: $0.upstream) }))
        let header = writer.bytes + [UInt8(ascii: "\n")]
        let lines = DomainLines(service: call.service, revision: position.revision)
        return file.response(MediaType.ndjson.rawValue) { write in
            try await lines.write(header, to: write) { domain, buffer in
                buffer.appendJSON { domain.write(to: &$0) }
                buffer.append(UInt8(ascii: "\n"))
            }
        }
    }
}
