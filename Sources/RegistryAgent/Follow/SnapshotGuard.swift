import RegistryModel

/// Keeps a good table from being replaced by a worse one.
///
/// It looks at whole snapshots only: one revision of the feed that releases many domains is a write that
/// somebody made, with a name and a reason in the log.
package struct SnapshotGuard: Sendable, Hashable {
    /// How much smaller a snapshot may be than the table, in percent of the table, 0 to 100.
    package var maximumShrinkPercent: Int
    /// So many may go whatever share they are: in a small table each name is a large one.
    package static let harmlessLoss = 9
    /// Set by an operator who knows that the table has become smaller.
    package var acceptsShrink: Bool

    package init(maximumShrinkPercent: Int = 30, acceptsShrink: Bool = false) {
        self.maximumShrinkPercent = maximumShrinkPercent
        self.acceptsShrink = acceptsShrink
    }

    /// - Parameter table: nil where there is none yet: then anything is better, an empty registry's
    ///   empty table too.
    package func admit(
        _ new: SnapshotFacts, before table: SnapshotFacts?
    ) throws(SnapshotRefusal) {
        guard let table else { return }
        if new.position.epoch == table.position.epoch,
            new.position.revision < table.position.revision
        {
            throw .older(new.position.revision, than: table.position.revision)
        }
        guard !isShrunken(from: table.count, to: new.count) else {
            throw new.count == 0
                ? .empty(before: table.count) : .shrunken(from: table.count, to: new.count)
        }
    }

    /// Whether so much has gone that somebody has to say so.
    package func isShrunken(from old: Int, to new: Int) -> Bool {
        guard !acceptsShrink, new < old else { return false }
        let lost = old - new
        return new == 0 || lost > Self.harmlessLoss && lost * 100 > old * maximumShrinkPercent
    }
}

/// Why a snapshot doesn't take the place of the table.
package enum SnapshotRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    case empty(before: Int)
    case shrunken(from: Int, to: Int)
    /// Of the same epoch.
    case older(Revision, than: Revision)
    /// It has more locations, or more revisions before it, than a table can hold.
    case tooLarge
    /// It isn't what it says it is.
    case corrupt(String)

    /// For metrics.
    package var code: String {
        switch self {
        case .empty: "empty"
        case .shrunken: "shrunken"
        case .older: "older"
        case .tooLarge: "too-large"
        case .corrupt: "corrupt"
        }
    }

    package var description: String {
        switch self {
        case .empty(let before): "the snapshot is empty, and the table has \(before) domains"
        case .shrunken(let from, let to):
            "the snapshot has \(to) domains, and the table has \(from)"
        case .older(let new, let old):
            "the snapshot is of revision \(new), and the table is at \(old) of the same epoch"
        case .tooLarge: "the snapshot has more than a table can hold"
        case .corrupt(let what): "the snapshot is corrupt: \(what)"
        }
    }
}
