import RegistryAPI
import RegistryModel

// Parts of names, as lists and plans are filtered by them. What no name can end or begin with is refused: it
// would select nothing, and whoever sent it meant something.

extension QueryReader {
    mutating func suffix() -> String? { part("suffix", FQDN.suffix) }
    mutating func prefix() -> String? { part("prefix", FQDN.prefix) }

    private mutating func part(
        _ name: String, _ read: (String) throws(FQDN.Malformed) -> String
    ) -> String? {
        guard let text = text(name) else { return nil }
        do throws(FQDN.Malformed) {
            return try read(text)
        } catch {
            refuse(name, "invalid", error.explanation)
            return nil
        }
    }
}

extension JSONObjectReader {
    mutating func suffix() -> String? { part("suffix", maximum: 255, FQDN.suffix) }
    mutating func prefix() -> String? { part("prefix", maximum: 253, FQDN.prefix) }

    private mutating func part(
        _ name: String, maximum: Int, _ read: (String) throws(FQDN.Malformed) -> String
    ) -> String? {
        guard let text = optionalString(name, minimum: 1, maximum: maximum) else { return nil }
        do throws(FQDN.Malformed) {
            return try read(text)
        } catch {
            refuse(name, "invalid", error.explanation)
            return nil
        }
    }
}
