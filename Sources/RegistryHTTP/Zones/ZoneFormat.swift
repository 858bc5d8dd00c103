import RegistryAPI
import RegistryDNS

/// What a zone's picture is written as.
enum ZoneFormat: String, Sendable, CaseIterable {
    case zone, octodns, records

    var type: MediaType {
        switch self {
        case .zone: .zone
        case .octodns: .yaml
        case .records: .ndjson
        }
    }

    /// The longest name that the form can hold.
    var maximumBytes: Int {
        self == .octodns ? OctoDNSText.maximumBytes : BaseZone.maximumNameBytes
    }
}
