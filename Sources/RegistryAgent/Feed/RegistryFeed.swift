import RegistryAPI
import RegistryClient
import RegistryModel
import RoutingTable

/// The registry's log, read over HTTP.
struct RegistryFeed: FollowedLog {
    let client: RegistryClient
    /// Called before a snapshot is read; what it throws keeps it from being read.
    var announce: @Sendable () async throws -> Void = {}

    func snapshot(
        into load: any TableLoad, admit: (SnapshotFacts) throws(FollowError) -> Void
    ) async throws(FollowError) -> SnapshotFacts {
        var reading = SnapshotReader(load)
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
        after position: Position, staging stage: () -> any TableStage,
        _ receive: (FollowEvent) async throws(FollowError) -> Void
    ) async throws(FollowError) {
        var staged: (any TableStage)?
        do {
            try await client.followChanges(after: position) { change in
                let current = staged ?? stage()
                staged = current
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
