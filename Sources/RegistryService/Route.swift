import RegistryModel
import RoutingTable

extension RegistryService {
    /// What a proxy asks on each request. Whatever a visitor may have put into the host, the answer
    /// is a target or "unknown", never an error.
    ///
    /// - Parameter host: as the proxy saw it, a `:port` and all.
    public func route(host: String?) throws(RegistryError) -> Read<RouteTarget?> {
        guard let host, let fqdn = try? FQDN(Self.withoutPort(host)) else {
            return Read(nil, at: try position().revision)
        }
        return try table.route(fqdn)
    }

    /// RFC 3986 §3.2.3: a port is digits, or nothing, after a colon.
    static func withoutPort(_ host: String) -> Substring {
        guard let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")) else { return host[...] }
        let port = host.utf8[colon...].dropFirst()
        return port.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? host[..<colon] : host[...]
    }
}
