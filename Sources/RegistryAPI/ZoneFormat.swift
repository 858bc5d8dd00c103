/// What a zone's picture is written as: `/v1/export/{format}`.
package enum ZoneFormat: String, Sendable, CaseIterable {
    /// A master file, RFC 1035.
    case zone
    /// octoDNS' YAML.
    case octodns
    /// A record set a line.
    case records

    package var type: MediaType {
        switch self {
        case .zone: .zone
        case .octodns: .yaml
        case .records: .ndjson
        }
    }
}
