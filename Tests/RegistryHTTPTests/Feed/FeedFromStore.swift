import RegistryAPI
import RegistryModel
import Testing

@testable import RegistryHTTP
@testable import RegistryService

extension RegistryService {
    /// A page as who is too far behind for the ring gets it.
    func feedFromStore(after revision: Revision, limit: Int) async throws -> FeedPage {
        let behind = NodeState(table: state.table, feed: ChangeFeed(capacity: 0))
        let position = try position()
        behind.feed.begin(at: position)
        let service = RegistryService(
            store: store, state: behind, names: NamePolicy(reserved: "", suffixes: []),
            now: { .init(milliseconds: 0) })
        let stretch = try await service.feed(
            after: Position(epoch: position.epoch, revision: revision), limit: limit)
        guard case .log = stretch.source else {
            Issue.record("not from the store")
            throw RegistryError.inconsistent
        }
        var bytes: [UInt8] = []
        try await FeedText(service: service).write(stretch) { bytes += $0 }
        return try FeedPage(parsing: bytes)
    }
}
