import RegistryModel
import RoutingTable

extension LookupService {
    /// What a proxy asks on each request. Whatever a visitor may have put into the host, the answer
    /// is a target or "unknown", never an error.
    ///
    /// - Parameter host: as the proxy saw it, a `:port` and all.
    public func route(host: String?) throws(RegistryError) -> Read<RouteTarget?> {
        guard let host, let fqdn = try? FQDN(Substring(Self.withoutPort(host.utf8))) else {
            return Read(nil, at: try position())
        }
        return try table.route(fqdn)
    }

    /// The same for a host that lies in memory, nothing copied.
    ///
    /// - Returns: false where `body` wasn't called: the host needs libidn2, or the table isn't
    ///   loaded.
    public func route(
        bytes host: UnsafeRawBufferPointer, _ body: (TableEntry?, _ position: Position) -> Void
    ) -> Bool {
        let name = UnsafeRawBufferPointer(rebasing: Self.withoutPort(host))
        return withCanonical(name) { name in
            guard let position = table.position else { return false }
            guard let name else {
                body(nil, position)
                return true
            }
            return (try? table.withEntry(name, body)) != nil
        }
    }

    /// RFC 3986 §3.2.3: a port is digits, or nothing, after a colon.
    static func withoutPort<Bytes: BidirectionalCollection<UInt8>>(
        _ host: Bytes
    ) -> Bytes.SubSequence {
        guard let colon = host.lastIndex(of: UInt8(ascii: ":")) else { return host[...] }
        let port = host[colon...].dropFirst()
        return port.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? host[..<colon] : host[...]
    }

    /// - Parameter body: gets the canonical form, or nil for what can't be a name.
    /// - Returns: what `body` says; false without it where the name needs libidn2.
    func withCanonical(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: FQDN.maximumLength, alignment: 8) { canonical in
            switch FQDN.read(bytes, canonical: canonical) {
            case .canonical(let count):
                body(UnsafeRawBufferPointer(rebasing: canonical[..<count]))
            case .malformed: body(nil)
            case .needsIDNA: false
            }
        }
    }
}
