import RegistryAPI
import RegistryModel

/// The files that proxies and people read all domains in.
enum ExportFormat: String, Sendable, CaseIterable {
    case nginxMap = "nginx-map"
    case haproxyMap = "haproxy-map"
    case csv
    case traefik

    /// What a map gives for a host.
    enum Value: String, Sendable, CaseIterable {
        case location, mode, upstream
    }

    var type: MediaType {
        switch self {
        case .nginxMap, .haproxyMap: .plain
        case .csv: .csv
        case .traefik: .json
        }
    }

    var isMap: Bool { self == .nginxMap || self == .haproxyMap }
}

/// Text that one location becomes in a file, made once.
struct ExportTexts: Sendable {
    private let upstreams: [LocationName: [UInt8]]
    private let format: ExportFormat
    private let value: ExportFormat.Value

    init(
        _ locations: [(name: LocationName, upstream: UpstreamURL)], _ format: ExportFormat,
        _ value: ExportFormat.Value
    ) {
        self.format = format
        self.value = value
        upstreams = Dictionary(
            uniqueKeysWithValues: locations.map { name, upstream in
                (
                    name,
                    format == .nginxMap ? MapText.nginx(upstream.text) : Array(upstream.text.utf8)
                )
            })
    }

    /// Appends a map's line. A domain whose location has no upstream gets none: a wrong answer would
    /// be worse than the map's default.
    func appendLine(_ domain: Domain, to buffer: inout [UInt8]) {
        var upstream: [UInt8] = []
        if value == .upstream {
            guard let known = upstreams[domain.location] else { return }
            upstream = known
        }
        buffer += domain.fqdn.text.utf8
        buffer.append(UInt8(ascii: " "))
        switch value {
        case .location: buffer += domain.location.text.utf8
        case .mode: buffer += domain.mode.rawValue.utf8
        case .upstream: buffer += upstream
        }
        if format == .nginxMap { buffer.append(UInt8(ascii: ";")) }
        buffer.append(UInt8(ascii: "\n"))
    }
}
