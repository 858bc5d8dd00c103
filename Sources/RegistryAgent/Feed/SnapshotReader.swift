import RegistryAPI
import RegistryModel
import RoutingTable

/// Takes a snapshot in, line by line, and sees that it's what its first line says.
struct SnapshotReader {
    private let load: any TableLoad
    private var header: SnapshotHeader?
    private var count = 0
    private var digest = TableDigest()
    private var last: FQDN?
    private var batch: [Domain] = []

    private static let batchSize = 1000

    init(_ load: any TableLoad) {
        self.load = load
    }

    mutating func begin(_ header: SnapshotHeader) {
        self.header = header
        for location in header.locations { digest.add(location.name, upstream: location.upstream) }
        load.add(
            header.locations.map { location in
                Location(
                    name: location.name,
                    // Signups are the registry's business: a copy doesn't know, and isn't asked.
                    settings: LocationSettings(
                        upstream: location.upstream, acceptsSignups: false,
                        isDefaultForSignups: false),
                    revision: header.revision)
            })
    }

    /// - Throws: for a name out of order, or a revision beyond the snapshot's.
    mutating func add(_ domain: Domain) throws(FeedFormatError) {
        guard let header else { throw FeedFormatError("a domain before the header") }
        if let last {
            guard last.text.utf8.lexicographicallyPrecedes(domain.fqdn.text.utf8) else {
                throw FeedFormatError("the names aren't in order")
            }
        }
        guard domain.revision <= header.revision else {
            throw FeedFormatError("a domain is of a later revision than the snapshot")
        }
        last = domain.fqdn
        count += 1
        digest.add(domain)
        batch.append(domain)
        if batch.count >= Self.batchSize { flush() }
    }

    mutating func finish() throws(SnapshotRefusal) -> SnapshotFacts {
        flush()
        guard let header else { throw .corrupt("it has no header") }
        guard count == header.count else {
            throw .corrupt("it has \(count) domains, and says that it has \(header.count)")
        }
        guard digest.description == header.digest else {
            throw .corrupt("its domains and locations don't come to the digest that it says")
        }
        return header.facts
    }

    private mutating func flush() {
        load.add(batch)
        batch.removeAll(keepingCapacity: true)
    }
}

extension SnapshotHeader {
    var facts: SnapshotFacts {
        SnapshotFacts(position: Position(epoch: epoch, revision: revision), count: count)
    }
}
