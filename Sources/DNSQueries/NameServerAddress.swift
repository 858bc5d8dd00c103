import RegistryModel

/// `127.0.0.1:53`, `[2001:db8::53]:53`, or an address alone, which is asked on port 53.
///
/// A name would have to be looked up in the DNS that is being checked.
package struct NameServerAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    /// `nil`: no such address.
    package init?(_ text: String) {
        if let address = IPv6Address(text) {
            (host, port) = ("[\(address)]", 53)
        } else if text.hasPrefix("[") {
            let parts = text.dropFirst().split(
                separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let address = IPv6Address(parts[0]),
                let port = Self.port(parts[1])
            else { return nil }
            (host, self.port) = ("[\(address)]", port)
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            guard let address = IPv4Address(text[..<end]), let port = Self.port(text[end...])
            else { return nil }
            (host, self.port) = ("\(address)", port)
        }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty else { return 53 }
        guard text.first == ":", let port = UInt16(text.dropFirst()), port > 0 else { return nil }
        return port
    }

    package var description: String { "\(host):\(port)" }
}
