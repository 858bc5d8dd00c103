import RegistryModel

/// What an engine tells of names, to who decides whether another one may stand beside them.
package protocol NameReader {
    func domain(_ fqdn: FQDN) throws -> Domain?
    func released(_ fqdn: FQDN) throws -> ReleasedDomain?
    func held(_ fqdn: FQDN) throws -> HeldDomain?
    /// These will be asked for next: who is far from the store reads them in one go.
    func expect(_ names: [FQDN]) throws
    /// The first name of a range, in the order of `FQDN.treeKey`, that is live, or is held or rests beyond `now`, and
    /// isn't this tenant's.
    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN?
}

/// The names below a parent, by `FQDN.treeKey`.
package struct NameRange: Hashable, Sendable {
    package let parent: FQDN
    /// Only what comes after it.
    package var after: String
    /// Only what comes before it.
    package let end: String

    package init(below parent: FQDN) {
        self.parent = parent
        let key = parent.treeKey
        (after, end) = ("\(key).", Self.end(of: key))
    }

    /// The slash comes next after the dot, and in no name.
    package static func end(of key: String) -> String { "\(key)/" }
}

/// Whether a name lies below or above somebody else's: who has `acme.example.com` may set cookies that
/// `x.acme.example.com` gets, and visitors take the one for the other's.
package struct Entanglement<Names: NameReader> {
    let names: Names
    /// Parents below which names of different tenants stand side by side: nothing above them counts.
    let suffixes: [FQDN]
    let now: Timestamp

    package init(names: Names, suffixes: [FQDN], now: Timestamp) {
        self.names = names
        self.suffixes = suffixes
        self.now = now
    }

    /// - Parameter tenant: nil: whoever has another name is somebody else.
    package func other(than fqdn: FQDN, of tenant: String?) throws -> FQDN? {
        var above: [FQDN] = []
        for ancestor in fqdn.ancestors {
            guard !suffixes.contains(ancestor) else { break }
            above.append(ancestor)
        }
        try names.expect(above)
        for ancestor in above where try isOthers(ancestor, tenant) { return ancestor }

        var range = NameRange(below: fqdn)
        while let found = try names.first(in: range, notOf: tenant, at: now) {
            let suffix = suffixes.first {
                $0.isWithin(fqdn) && found != $0 && found.isWithin($0)
            }
            guard let suffix else { return found }
            range.after = NameRange.end(of: suffix.treeKey)
        }
        return nil
    }

    private func isOthers(_ fqdn: FQDN, _ tenant: String?) throws -> Bool {
        Self.isOthers(
            try names.domain(fqdn), try names.released(fqdn), try names.held(fqdn), notOf: tenant,
            at: now)
    }

    package static func isOthers(
        _ live: Domain?, _ released: ReleasedDomain?, _ held: HeldDomain?, notOf tenant: String?,
        at now: Timestamp
    ) -> Bool {
        let holder: String?
        if let live {
            holder = live.tenant
        } else if let held, !held.isOver(at: now) {
            holder = held.placement.tenant
        } else if let released, released.availableAt > now {
            holder = released.placement.tenant
        } else {
            return false
        }
        return holder == nil || holder != tenant
    }
}
