import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore
import Testing

@testable import SQLiteStore

/// The ends of the log.
extension VerifyTests {
    @Test func `names the first revision that a cut tail lacks`() async throws {
        try await fill()
        try await tamper(
            "DELETE FROM change_log WHERE revision > 10",
            "DELETE FROM revision_log WHERE revision > 10")
        try await expect(11, "the log ends before its head, revision 13")
    }

    @Test func `names a head that was set back behind the log`() async throws {
        try await fill()
        try await tamper(
            "UPDATE head SET revision = 10, digest = (SELECT digest FROM revision_log WHERE revision = 10)"
        )
        try await expect(11, "revision_log goes on to revision 13, beyond its head, revision 10")
    }

    @Test func `names a head whose digest or time isn't the log's`() async throws {
        try await fill()
        try await tamper("UPDATE head SET digest = zeroblob(32)")
        try await expect(13, "the head's digest isn't the log's")
        try await tamper(
            "UPDATE head SET digest = (SELECT digest FROM revision_log WHERE revision = 13), at = 0"
        )
        try await expect(13, "the head's time is before that of its revision")
    }

    /// A tail cut off with care shows nothing by itself: the noted digest does.
    @Test func `sees a tail that was cut with its head only by a digest noted elsewhere`()
        async throws
    {
        try await fill()
        let head = try await verify()
        let noted = try #require(
            NotedDigest("\(head.revision):\(DigestText.text(head.digest))"))
        let third = try await folder.shell().read {
            try Data.fetchOne($0, sql: "SELECT digest FROM revision_log WHERE revision = 3")
                ?? Data()
        }
        #expect(try await verify(noted).isGood)
        let early = try #require(NotedDigest("3:\(DigestText.text(Array(third)).dropFirst(7))"))
        #expect(try await verify(early).isGood)

        try await tamper(
            "DELETE FROM change_log WHERE revision > 11",
            "DELETE FROM revision_log WHERE revision > 11",
            "DELETE FROM revision_facet WHERE revision > 11",
            "UPDATE domain SET revision = 3, changed_at = registered_at WHERE fqdn = 'c.example'",
            "UPDATE head SET revision = 11, digest = (SELECT digest FROM revision_log WHERE revision = 11)"
        )
        #expect(try await verify().isGood)
        #expect(try await verify(early).isGood)
        try await expect(12, "the log ends at revision 11, before the noted one, 13", noted)
    }

    /// Whoever computes the chain anew from some revision on leaves a log that fits: not the noted one.
    @Test func `sees a chain that was computed anew only by a digest noted elsewhere`() async throws
    {
        try await fill()
        let head = try await verify()
        let noted = try #require(
            NotedDigest("\(head.revision):\(DigestText.text(head.digest))"))
        try await tamper("UPDATE revision_log SET actor_name = 'somebody else' WHERE revision = 5")
        try await expect(5, "isn't what its digest was computed over")
        let digests = try await folder.shell().read { db -> [[UInt8]] in
            var digests = [RevisionDigest.genesis]
            for number in 1...13 {
                var reader = HistoryReader()
                let items = try db.rows(
                    """
                    SELECT \(HistoryItem.columns)
                    FROM change_log l JOIN revision_log r ON r.revision = l.revision
                    WHERE l.revision = $1 ORDER BY l.position
                    """, [.number(number)]
                ) { try reader.item($0) }
                digests.append(
                    RevisionDigest.digest(
                        of: items[0].header, changes: items.map(\.change),
                        after: digests[number - 1]))
            }
            return digests
        }
        for (number, digest) in digests.enumerated().dropFirst() {
            let hex = DigestText.text(digest).dropFirst(7)
            try await tamper(
                "UPDATE revision_log SET digest = x'\(hex)' WHERE revision = \(number)")
        }
        try await tamper(
            "UPDATE head SET digest = (SELECT digest FROM revision_log WHERE revision = 13)")
        #expect(try await verify().isGood)
        try await expect(13, "and another one was noted", noted)
    }
}
