import RegistryModel
import Synchronization

/// What the DNS has to know of the table beside each name's location: how locations are reached, and which names of the
/// served zones lie above others.
///
/// Filled by the writer, revision by revision, as the table is; read on any thread.
public final class ZoneNames: Sendable {
    private struct Contents {
        var targets: [LocationName: DNSTargets] = [:]
        /// Registered names of several labels below their zone.
        var deep: Set<String> = []
        /// How many of them lie below a name.
        var below: [String: Int] = [:]
    }

    /// The zones that are answered live, in which names are kept.
    public let zones: [FQDN]
    private let contents = Mutex(Contents())

    public init(zones: [FQDN] = []) {
        self.zones = zones
    }

    /// How each location is reached, as far as somebody has said it.
    public var targets: [LocationName: DNSTargets] { contents.withLock(\.targets) }

    /// Whether the registry knows a name below this one, which lies below a served zone.
    public func hasNames(below name: String) -> Bool {
        contents.withLock { $0.below[name] != nil }
    }

    /// Takes the place of whatever was known.
    func load(_ locations: [Location], _ names: [FQDN]) {
        var loaded = Contents()
        for location in locations { loaded.targets[location.name] = location.settings.dns }
        for name in names { add(name, to: &loaded) }
        contents.withLock { $0 = loaded }
    }

    /// Whether a name has to be kept here.
    func isDeep(_ name: FQDN) -> Bool { !names(above: name).isEmpty }

    func apply(_ changes: RevisionChanges) {
        let isNothing = changes.locations.isEmpty && (zones.isEmpty || changes.domains.isEmpty)
        guard !isNothing else { return }
        contents.withLock { contents in
            for change in changes.locations {
                switch change {
                case .set(let location):
                    contents.targets[location.name] = location.settings.dns
                case .gone(let name): contents.targets[name] = nil
                }
            }
            guard !zones.isEmpty else { return }
            for change in changes.domains {
                switch change {
                case .set(let domain): add(domain.fqdn, to: &contents)
                case .gone(let name): remove(name, from: &contents)
                }
            }
        }
    }

    private func add(_ name: FQDN, to contents: inout Contents) {
        let above = names(above: name)
        guard !above.isEmpty, contents.deep.insert(name.text).inserted else { return }
        for name in above { contents.below[name, default: 0] += 1 }
    }

    private func remove(_ name: FQDN, from contents: inout Contents) {
        guard contents.deep.remove(name.text) != nil else { return }
        for name in names(above: name) {
            let count = (contents.below[name] ?? 1) - 1
            contents.below[name] = count == 0 ? nil : count
        }
    }

    /// The names between a name and its zone, both left out.
    private func names(above name: FQDN) -> [String] {
        guard
            let zone = zones.filter({ name.isWithin($0) && name != $0 })
                .max(by: { $0.text.utf8.count < $1.text.utf8.count })
        else { return [] }
        var names: [String] = []
        var rest = Substring(name.text)
        while let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
            rest = rest[rest.utf8.index(after: dot)...]
            guard rest.utf8.count > zone.text.utf8.count else { break }
            names.append(String(rest))
        }
        return names
    }
}
