import HTTPTypes
import Metrics
import RegistryAPI
import RegistryDNS
import RegistryModel
import RegistryService

/// `/v1/export/zone`, `octodns` and `records`: the zone's picture of the registry. With `POST`, the operator's own records are the
/// body, and the picture has them too.
struct ZoneExportRoutes: Sendable {
    private let exports = Counter(label: "registry_snapshots_total", dimensions: [("kind", "zone")])

    @Sendable func exportWithBase(_ call: RegistryCall) async throws -> EndpointResponse {
        guard let format = ZoneFormat(rawValue: call.parameter("format")) else {
            throw Problem(
                .notFound, "unknown-format",
                "there is no such format with records of yours; the formats are "
                    + ZoneFormat.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let type = ContentNegotiation.plainType(of: call.request.headers)
        guard [MediaType.zone.rawValue, MediaType.plain.rawValue].contains(type) else {
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type",
                "send the zone's master file as text/dns or text/plain, not compressed")
        }
        var body: [UInt8] = []
        for try await piece in call.request.body {
            body.append(contentsOf: piece.readableBytesView)
            guard body.count <= BaseZone.maximumBytes else {
                throw Problem.bodyTooLarge(limit: BaseZone.maximumBytes)
            }
        }
        return try await export(call, format, base: body)
    }

    /// - Parameter base: the operator's records, as a master file.
    func export(
        _ call: RegistryCall, _ format: ZoneFormat, base: [UInt8]? = nil
    ) async throws -> EndpointResponse {
        guard ContentNegotiation.choice(of: [format.type], call.request.headers) != nil else {
            throw Problem.notAcceptable([format.type])
        }
        let (request, since) = try await request(call, format, base)
        let maker = ZoneMaker(service: call.service)
        if let since {
            let part = try await maker.makePart(request, since: since)
            let bytes = try await ZoneMaker.aside {
                Self.lines(part.picture.picture, absent: part.picture.absent)
            }
            return answer(call, format, bytes, isWhole: false, base, part.position)
        }
        let made = try await maker.make(request, maximumBytes: format.maximumBytes)
        let bytes: [UInt8]
        switch format {
        case .zone:
            let text = try await ZoneMaker.aside { try ZoneText(made.rules, made.picture) }
            let serial = try await maker.serial(of: text, made)
            bytes = try await ZoneMaker.aside { text.file(serial: serial) }
        case .octodns:
            bytes = try await ZoneMaker.aside { try OctoDNSText(made.rules, made.picture).file }
        case .records:
            bytes = try await ZoneMaker.aside { Self.lines(made.picture) }
        }
        return answer(call, format, bytes, isWhole: true, base, made.position)
    }

    private func answer(
        _ call: RegistryCall, _ format: ZoneFormat, _ bytes: [UInt8], isWhole: Bool,
        _ base: [UInt8]?, _ position: Position
    ) -> EndpointResponse {
        if isWhole { exports.increment() }
        let tag = WholeFile.tag(of: bytes)
        let file = WholeFile(
            call.request.headers, tag: "\(format.rawValue).\(tag)", at: position.revision)
        if base == nil, let response = file.notModified { return response }
        let response = file.response(format.type.rawValue) { write in
            for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
                try await write(Array(bytes[start..<min(start + Self.pieceSize, bytes.count)]))
            }
        }
        return response.of(position.epoch)
    }

    /// Bytes that are written at once.
    private static let pieceSize = 65_536

    /// - Returns: also since when something has to have changed; nil: all is wanted.
    private func request(
        _ call: RegistryCall, _ format: ZoneFormat, _ base: [UInt8]?
    ) async throws -> (ZoneRequest, since: Position?) {
        var query = QueryReader(call.query)
        let zone = query.value("zone", "a domain name") { try? FQDN($0) }
        let location = query.value("default", "a location's name") { LocationName($0) }
        let ttl =
            query.value("ttl", "a number of seconds from 0 to 604800") { text in
                UInt32(text).flatMap { ZoneRequest.ttls.contains($0) ? $0 : nil }
            } ?? ZoneRequest.defaultTTL
        for (name, what) in [
            ("zone", "the zone's name"), ("default", "the location that the wildcard leads to"),
        ] where call.query.values(name).isEmpty {
            query.refuse(name, "required", "\(what) is expected")
        }
        if let location, try !call.service.knows(location) {
            query.refuse("default", "unknown", "there is no location \(location)")
        }
        // The same operation has them, for other formats.
        for name in ["value", "for"] where base == nil && query.text(name) != nil {
            query.refuse(name, "conflict", "zone, octodns and records have no such thing")
        }
        let since = query.revision("changed_since")
        let apart = query.text("epoch", maximum: 64).map { Epoch($0) }
        if format != .records, since != nil {
            query.refuse("changed_since", "conflict", "only records are exported in part")
        }
        if apart != nil, since == nil {
            query.refuse("epoch", "conflict", "it's that of changed_since")
        } else if apart != nil, let epoch = since?.epoch, epoch != apart {
            query.refuse("epoch", "conflict", "changed_since names another epoch")
        }
        try query.finish()
        guard let zone, let location else { throw Problem.internalError }
        var read = BaseZone.empty
        if let base {
            read = try await ZoneMaker.aside { try BaseZone(masterFile: base, zone: zone) }
        }
        let request = ZoneRequest(zone: zone, defaultLocation: location, ttl: ttl, base: read)
        guard let since else { return (request, nil) }
        let epoch = since.epoch ?? apart
        if epoch == nil, since.revision > .zero { try await call.service.checkHasOneEpoch() }
        return (
            request,
            Position(
                epoch: try epoch ?? call.service.position().epoch, revision: since.revision)
        )
    }

    private static func lines(_ picture: ZonePicture, absent: [AbsentName] = []) -> [UInt8] {
        var writer = JSONWriter()
        for set in picture.sets {
            set.write(to: &writer)
            writer.endLine()
        }
        for (name, refusal) in picture.leftOut {
            LeftOutName(name: name, reason: refusal.description).write(to: &writer)
            writer.endLine()
        }
        for name in absent {
            name.write(to: &writer)
            writer.endLine()
        }
        return writer.finish()
    }
}

extension RegistryService {
    fileprivate func knows(_ location: LocationName) throws(RegistryError) -> Bool {
        try state.table.summary().value.locations.contains { $0.name == location }
    }
}
