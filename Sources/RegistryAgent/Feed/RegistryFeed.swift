import RegistryClient
import RegistryModel
import RegistryWire
import RoutingTable

/// The registry's log, read over HTTP.
struct RegistryFeed: FollowedLog {
    let client: RegistryClient
    /// Called before a snapshot is read; what it throws keeps it from being read.
    var announce: @Sendable () async throws -> Void = {}

    func snapshot(
        into load: any TableLoad, admit: (SnapshotFacts) throws(FollowError) -> Void
    ) async throws(FollowError) -> SnapshotFacts {
        var reading = SnapshotReading(load)
        do {
            try await announce()
            try await client.snapshot { header in
                try admit(header.facts)
                reading.begin(header)
            } _: { domain in
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
        after position: Position, _ receive: (FollowEvent) async throws(FollowError) -> Void
    ) async throws(FollowError) {
        do {
            try await client.followChanges(after: position) { event in
                switch event {
                case .opened: try await receive(.opened)
                case .page(let page):
                    try await receive(
                        .revisions(page.revisions, epoch: page.epoch, head: page.head))
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

extension FeedPage {
    /// Each revision that the page covers, those too that touch nothing of the table.
    var revisions: [RevisionChanges] {
        var revisions: [RevisionChanges] = []
        var rest = changes[...]
        var number = from
        while number < to {
            number = number.next
            var revision = RevisionChanges(revision: number)
            while let change = rest.first, change.revision == number {
                revision.add(change)
                rest.removeFirst()
            }
            revisions.append(revision)
        }
        return revisions
    }
}

extension RevisionChanges {
    fileprivate mutating func add(_ change: FeedChange) {
        switch change {
        case .set(let domain): domains.append(.set(domain))
        case .gone(_, let fqdn): domains.append(.gone(fqdn))
        case .locationChanged(_, let name, let upstream?):
            locations.append(
                .set(
                    Location(
                        name: name,
                        settings: LocationSettings(
                            upstream: upstream, acceptsSignups: false, isDefaultForSignups: false),
                        revision: change.revision)))
        case .locationChanged(_, let name, nil): locations.append(.gone(name))
        }
    }
}
