import RegistryModel

/// One revision's changes, which the writer goes through twice.
protocol RevisionSource: Sendable {
    var revision: Revision { get }
    var locations: [RevisionChanges.LocationChange] { get }
    /// Changes of domains, at most.
    var count: Int { get }

    /// Shows each change of a domain, in order.
    ///
    /// - Parameter body: its arguments are good until it returns; nil: the name is gone.
    func forEach(_ body: (_ name: UnsafeRawBufferPointer, TableEntry?) -> Void)

    /// The same for the last time: what was shown may be given back.
    mutating func consume(_ body: (_ name: UnsafeRawBufferPointer, TableEntry?) -> Void)
}

extension RevisionChanges: RevisionSource {
    var count: Int { domains.count }

    func forEach(_ body: (UnsafeRawBufferPointer, TableEntry?) -> Void) {
        for change in domains {
            switch change {
            case .set(var domain):
                // Its revision is the change's: nothing else is in the log.
                domain.revision = revision
                domain.withEntry { body($0, $1) }
            case .gone(let fqdn): fqdn.withBytes { body($0, nil) }
            }
        }
    }

    mutating func consume(_ body: (UnsafeRawBufferPointer, TableEntry?) -> Void) {
        forEach(body)
    }
}
