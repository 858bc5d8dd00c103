import RegistryModel
import RoutingTable

/// The one ordered log, as a follower reads it: a beginning, and what comes after it.
package protocol FollowedLog: Sendable {
    /// Reads everything at one revision into `load`, which isn't finished by this.
    ///
    /// - Parameter admit: called before the first part, with what the snapshot says of itself. What it
    ///   throws ends the reading.
    /// - Throws: `refused` for a snapshot that isn't what it says.
    func snapshot(
        into load: any TableLoad, admit: (SnapshotFacts) throws(FollowError) -> Void
    ) async throws(FollowError) -> SnapshotFacts

    /// Calls `receive` with what comes after `position`, in order, until it throws or nothing can come
    /// any more.
    ///
    /// - Parameter stage: where revisions are put as they come, before they're received whole. What breaks off
    ///   is let go of.
    /// - Throws: `resync` where what follows `position` isn't to be had.
    func follow(
        after position: Position, staging stage: () -> any TableStage,
        _ receive: (FollowEvent) async throws(FollowError) -> Void
    ) async throws(FollowError)
}

/// What a snapshot says of itself.
package struct SnapshotFacts: Sendable, Hashable {
    package var position: Position
    package var count: Int

    package init(position: Position, count: Int) {
        self.position = position
        self.count = count
    }
}

/// What a follower hears.
package enum FollowEvent: Sendable {
    /// The way to the source is open.
    case opened
    /// Whole revisions, all those after `after` up to `through`, and where the log ended when they were sent.
    case revisions(
        any TableStage, after: Revision, through: Revision, epoch: Epoch, head: Revision)
    /// The log ends at `head`, and a table there has this digest.
    case heartbeat(head: Revision, digest: String)
}

/// Why a follower can't go on just now.
package enum FollowError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The source is away, or broke off.
    case unavailable(String)
    /// The table has to be read anew.
    case resync(String)
    /// The snapshot is no good, or not for this table.
    case refused(SnapshotRefusal)
    case cancelled

    package var description: String {
        switch self {
        case .unavailable(let why): why
        case .resync(let why): why
        case .refused(let refusal): refusal.description
        case .cancelled: "cancelled"
        }
    }
}
