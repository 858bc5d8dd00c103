import HTTPTypes
import Metrics
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/export/{format}`: all domains in the words of proxies. Read like a snapshot: from the store, as
/// of one revision, with memory for a page.
struct ExportRoutes: Sendable {
    private let snapshots = Counter(
        label: "registry_snapshots_total", dimensions: [("kind", "export")])

    @Sendable func export(_ call: RegistryCall) async throws -> EndpointResponse {
        if let format = ZoneFormat(rawValue: call.parameter("format")) {
            return try await ZoneExportRoutes().export(call, format)
        }
        guard let format = ExportFormat(rawValue: call.parameter("format")) else {
            throw Problem(
                .notFound, "unknown-format",
                "there is no such format; the formats are "
                    + (ExportFormat.allCases.map(\.rawValue) + ZoneFormat.allCases.map(\.rawValue))
                    .joined(separator: ", "))
        }
        guard ContentNegotiation.choice(of: [format.type], call.request.headers) != nil else {
            throw Problem.notAcceptable([format.type])
        }
        var query = QueryReader(call.query)
        let value = query.choice("value", ExportFormat.Value.self)
        if value != nil, !format.isMap {
            query.refuse("value", "conflict", "only maps have a value")
        }
        let isForSpreadsheet = query.isForSpreadsheet(only: format == .csv)
        for name in ["zone", "default", "ttl", "changed_since", "epoch"]
        where query.text(name) != nil {
            query.refuse(name, "conflict", "only zone, octodns and records are of a zone")
        }
        try query.finish()

        let (position, summary) = try call.service.snapshot()
        // By what it's made of: a revision that changes no domain and no location leaves the file, and
        // its tag, as they were.
        let tag = [
            format.rawValue, value?.rawValue, isForSpreadsheet ? "spreadsheet" : nil,
            summary.digest.description,
        ]
        let file = WholeFile(
            call.request.headers, tag: tag.compactMap(\.self).joined(separator: "."),
            at: position.revision)
        if let response = file.notModified { return response }
        snapshots.increment()
        let lines = DomainLines(service: call.service, revision: position.revision)
        switch format {
        case .nginxMap, .haproxyMap:
            let texts = ExportTexts(summary.locations, format, value ?? .location)
            return file.response("text/plain; charset=utf-8") { write in
                try await lines.write([], to: write) { texts.appendLine($0, to: &$1) }
            }
        case .csv:
            return file.response("text/csv; charset=utf-8; header=present") { write in
                let header = CSV.header(Domain.csvColumns, forSpreadsheet: isForSpreadsheet)
                try await lines.write(header, to: write) { domain, buffer in
                    domain.append(
                        Domain.csvColumns, forSpreadsheet: isForSpreadsheet, to: &buffer)
                }
            }
        case .traefik:
            return file.response(MediaType.json.rawValue, traefik(lines, summary.locations))
        }
    }

    private func traefik(
        _ lines: DomainLines, _ locations: [(name: LocationName, upstream: UpstreamURL)]
    ) -> BodyStream {
        { write in
            let configuration = TraefikConfiguration(locations)
            var hasRouters = false
            try await lines.write(configuration.opening, to: write) { domain, buffer in
                configuration.appendRouters(
                    domain.fqdn.text, at: domain.location, domain.mode, isFirst: !hasRouters,
                    to: &buffer)
                hasRouters = true
            }
            try await write(TraefikConfiguration.closing(hasRouters: hasRouters))
        }
    }
}

/// `/v1/snapshot`: the whole routing table at one revision, where a copy of it begins.
///
/// Header and count come from this node's table; the lines from the store, as of that revision.
struct SnapshotRoutes: Sendable {
    private let snapshots = Counter(
        label: "registry_snapshots_total", dimensions: [("kind", "snapshot")])

    @Sendable func snapshot(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let (position, summary) = try call.service.snapshot()
        let file = WholeFile(call.request.headers, tag: position.description, at: position.revision)
        if let response = file.notModified { return response }
        snapshots.increment()
        var writer = JSONWriter()
        writer.write(
            SnapshotHeader(
                epoch: position.epoch, revision: position.revision, count: summary.count,
                digest: summary.digest.description,
                locations: summary.locations.map { .init(name: $0.name, upstream: $0.upstream) }))
        writer.endLine()
        let header = writer.finish()
        let lines = DomainLines(service: call.service, revision: position.revision)
        return file.response(MediaType.ndjson.rawValue) { write in
            try await lines.write(header, to: write) { domain, buffer in
                buffer.appendJSON { writer in
                    domain.write(to: &writer)
                    writer.endLine()
                }
            }
        }
    }
}
