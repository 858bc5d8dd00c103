/// A domain but for its name, as it lies in memory: what lookups' answers, snapshots and the table's digest are
/// made of, without a value in between. It's good until the closure that was given it returns.
public struct DomainView {
    public var location: LocationName
    public var mode: Mode
    public var fence: Mode?
    public var revision: Revision
    public var registeredAt: Timestamp
    public var changedAt: Timestamp
    /// The free texts as one, in UTF-8: the routing table keeps them like this and looks at nothing in them. There
    /// is one, the tenant; a second one would need its length here. Nil: there are none.
    public var texts: UnsafeRawBufferPointer?

    public init(
        location: LocationName, mode: Mode, fence: Mode?, revision: Revision,
        registeredAt: Timestamp, changedAt: Timestamp, texts: UnsafeRawBufferPointer?
    ) {
        self.location = location
        self.mode = mode
        self.fence = fence
        self.revision = revision
        self.registeredAt = registeredAt
        self.changedAt = changedAt
        self.texts = texts
    }

    public var tenant: UnsafeRawBufferPointer? { texts }

    public func domain(_ fqdn: FQDN) -> Domain {
        Domain(
            fqdn: fqdn,
            placement: Placement(
                location: location, mode: mode,
                tenant: tenant.map { String(decoding: $0, as: UTF8.self) }, fence: fence),
            revision: revision, registeredAt: registeredAt, changedAt: changedAt)
    }
}

extension Domain {
    /// - Parameter body: its arguments are good until it returns.
    public func withView(_ body: (_ name: UnsafeRawBufferPointer, DomainView) -> Void) {
        var view = DomainView(
            location: location, mode: mode, fence: fence, revision: revision,
            registeredAt: registeredAt, changedAt: changedAt, texts: nil)
        fqdn.withBytes { name in
            guard let tenant else { return body(name, view) }
            tenant.withBytes { text in
                view.texts = text
                body(name, view)
            }
        }
    }
}

extension FQDN {
    /// The bytes of the name, in place where Swift lets us.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        text.withBytes(body)
    }
}

extension String {
    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(utf8).withUnsafeBytes(body)
    }
}
