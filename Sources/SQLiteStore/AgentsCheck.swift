import GRDB
import Logging
import RegistryLedger
import RegistryModel
import StoreCore

/// Looks at the start whether agents have revisions of the store's epoch that its log hasn't.
enum AgentsCheck {
    /// - Parameter accepts: whether an operator has said that it's to go on under a new epoch.
    /// - Throws: `StoreOpeningError.rewound`.
    static func run(_ db: Database, accepts: Bool, _ logger: Logger) throws {
        guard let sign = try Rewind.Evidence.ofAgents(db) else { return }
        let head = try Head.read(db)
        let position = Position(epoch: head.epoch, revision: head.revision)
        guard let rewind = Rewind(position, [sign]) else { return }
        guard accepts else { throw StoreOpeningError.rewound(rewind.description) }
        // Whatever stops the start from here on, the mark of the epoch before isn't the store's any more.
        let epoch = try EpochRenewal.beginEpoch(db).epoch
        logger.warning(
            "the store was put back; it goes on under a new epoch",
            metadata: ["seen": "\(rewind)", "epoch": "\(epoch)"])
    }
}
