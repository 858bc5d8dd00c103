import Foundation
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("What an agent says of announcements") struct AnnouncementTests {
    private static func at(_ revision: Int64, _ epoch: String = "e") -> Position {
        Position(epoch: Epoch(epoch), revision: Revision(revision))
    }

    /// Whoever is killed starts from the disk: what isn't there it wouldn't fence.
    @Test func `is what the disk has, also where a later one comes before the first is saved`()
        async throws
    {
        let folder = try TestFolder()
        let table = CompactRoutingTable()
        let status = AgentStatus(table: table) { Timestamp(milliseconds: 0) }
        let keeper = StateKeeper(
            table, status, file: URL(fileURLWithPath: folder.path("snapshot")), delay: .seconds(60),
            logger: silent)
        #expect(keeper.reportable(Self.at(9)) == Self.at(9))
        keeper.want(Self.at(5))
        #expect(keeper.reportable(Self.at(4)) == Self.at(4))
        #expect(keeper.reportable(Self.at(5)) == Self.at(4))
        keeper.want(Self.at(8))
        #expect(keeper.reportable(Self.at(9)) == Self.at(4))

        table.load([], locations: [], at: Self.at(6))
        status.take(.loaded(Self.at(6), count: 0))
        #expect(await keeper.save())
        #expect(keeper.reportable(Self.at(9)) == Self.at(7))
        // Another log has said nothing of the kind.
        #expect(keeper.reportable(Self.at(9, "other")) == Self.at(9, "other"))
        keeper.want(Self.at(2, "other"))
        #expect(keeper.reportable(Self.at(9, "other")) == Self.at(1, "other"))
    }
}
