import Metrics
import RegistryAPI
import RegistryClient
import RegistryModel
import RoutingTable

/// The registry's log, read over HTTP.
struct RegistryFeed: FollowedLog {
    let client: RegistryClient
    /// From the bytes of a page's first change until the table has the page, and the file of routes too.
    private let applies = Timer(label: "registry_agent_apply_duration_seconds")
    /// Called before a snapshot is read; what it throws keeps it from being read.
    let announce: @Sendable () async throws -> Void
    /// Told of each domain whose wave is announced: the revision that says so.
    let fenced: @Sendable (Position) -> Void

    init(
        client: RegistryClient, announce: @escaping @Sendable () async throws -> Void = {},
        fenced: @escaping @Sendable (Position) -> Void = { _ in }
    ) {
        (self.client, self.announce, self.fenced) = (client, announce, fenced)
    }

    func snapshot(
        into load: any TableLoad, admit: (SnapshotFacts) throws(FollowError) -> Void
    ) async throws(FollowError) -> SnapshotFacts {
        var reading = SnapshotReader(load)
        do {
            try await announce()
            var epoch: Epoch?
            try await client.snapshot { header in
                epoch = header.epoch
                try admit(header.facts)
                reading.begin(header)
            } _: { domain in
                if domain.fence != nil, let epoch {
                    fenced(Position(epoch: epoch, revision: domain.revision))
                }
                try reading.add(domain)
            }
            return try reading.finish()
        } catch let error as SnapshotRefusal {
            throw .refused(error)
        } catch let error as FeedFormatError {
            throw .refused(.corrupt(error.description))
        } catch {
            throw Self.failure(error)
        }
    }

    func follow(
        after position: Position, staging stage: () -> any TableStage,
        _ receive: (FollowEvent) async throws(FollowError) -> Void
    ) async throws(FollowError) {
        var staged: (any TableStage)?
        var began: ContinuousClock.Instant?
        do {
            try await client.followChanges(after: position) { change in
                if staged == nil { began = .now }
                let current = staged ?? stage()
                staged = current
                if case .set(let domain) = change, domain.fence != nil {
                    fenced(Position(epoch: position.epoch, revision: domain.revision))
                }
                current.add(change)
            } _: { event in
                switch event {
                case .opened: try await receive(.opened)
                case .page(let page):
                    let whole = staged ?? stage()
                    staged = nil
                    try await receive(
                        .revisions(
                            whole, after: page.from, through: page.to, epoch: page.epoch,
                            head: page.head))
                    if let start = began { applies.record(duration: start.duration(to: .now)) }
                    began = nil
                case .heartbeat(let heartbeat):
                    try await receive(.heartbeat(head: heartbeat.head, digest: heartbeat.digest))
                }
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> FollowError {
        switch error {
        case let error as FollowError: error
        case is CancellationError: .cancelled
        case ClientError.refused(let refusal) where refusal.status == 410:
            .resync(refusal.problem?.detail ?? "the registry can't tell what follows")
        default: .unavailable("\(error)")
        }
    }
}

extension TableStage {
    fileprivate func add(_ change: FeedChange) {
        switch change {
        case .set(let domain): set(domain)
        case .gone(let revision, let fqdn): remove(fqdn, at: revision)
        case .locationChanged(let revision, let name, let upstream?):
            self.change(
                .set(
                    Location(
                        name: name,
                        // Signups are the registry's business: a copy doesn't know, and isn't asked.
                        settings: LocationSettings(
                            upstream: upstream, acceptsSignups: false, isDefaultForSignups: false),
                        revision: revision)), at: revision)
        case .locationChanged(let revision, let name, nil):
            self.change(.gone(name), at: revision)
        }
    }
}

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
