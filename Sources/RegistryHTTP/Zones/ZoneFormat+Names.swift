import RegistryAPI
import RegistryDNS

extension ZoneFormat {
    /// The longest name that the form can hold.
    var maximumBytes: Int {
        self == .octodns ? OctoDNSText.maximumBytes : BaseZone.maximumNameBytes
    }
}
