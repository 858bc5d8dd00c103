import Foundation
import RegistryModel
import RoutingTable

/// One open store with a clock that stands until it is set, and what its observer was told.
final class StoreSession: Sendable {
    let store: any Store
    let clock: Shared<Timestamp>
    let observed = Shared<[RevisionChanges]>([])
    /// As a node has it, which follows what is committed.
    let table = CompactRoutingTable()
    private let engine: StoreUnderTest
    private let settings: StoreUnderTest.Settings

    static let start = Timestamp(milliseconds: 1_592_697_600_000)

    convenience init(
        _ engine: StoreUnderTest, folder: URL, quarantine: Duration,
        blastRadius: BlastRadius = BlastRadius(), approval: ApprovalRule = ApprovalRule(),
        locationLimit: Int = Location.maximumCount, suffixes: [FQDN] = []
    ) async throws {
        try await self.init(
            engine, folder: folder, quarantine: quarantine, blastRadius: blastRadius,
            approval: approval, locationLimit: locationLimit, suffixes: suffixes,
            clock: Shared(Self.start))
    }

    private init(
        _ engine: StoreUnderTest, folder: URL, quarantine: Duration, blastRadius: BlastRadius,
        approval: ApprovalRule, locationLimit: Int, suffixes: [FQDN], acceptsRewind: Bool = false,
        clock: Shared<Timestamp>, counts: DomainCounts? = nil
    ) async throws {
        let (observed, table) = (observed, table)
        self.clock = clock
        self.engine = engine
        settings = StoreUnderTest.Settings(
            folder: folder, quarantine: quarantine, blastRadius: blastRadius, approval: approval,
            locationLimit: locationLimit, suffixes: suffixes, acceptsRewind: acceptsRewind,
            now: { clock.value },
            counts: counts ?? { Self.counts(in: table) },
            onCommit: { changes in
                observed.change { $0.append(changes) }
                _ = table.apply(changes)
            })
        store = try await engine.open(settings)
        let load = table.beginLoad()
        let head = try await store.snapshot { part in
            switch part {
            case .locations(let more): load.add(more)
            case .domains(let more): load.add(more)
            case .tokens, .openMigrations, .frozenWaves: break
            }
        }
        _ = load.finish(at: Position(epoch: head.epoch, revision: head.revision))
    }

    private static func counts(in table: CompactRoutingTable) -> Read<[LocationName: Int]>? {
        guard let statistics = try? table.statistics() else { return nil }
        return Read(
            Dictionary(
                uniqueKeysWithValues: statistics.value.locations.map { ($0.name, $0.domains) }),
            at: statistics.revision)
    }

    /// Closes the store and opens it again.
    ///
    /// - Parameter approval: another rule than before.
    func reopened(
        acceptsRewind: Bool = false, approval: ApprovalRule? = nil
    ) async throws -> StoreSession {
        await store.close()
        return try await StoreSession(
            engine, folder: settings.folder, quarantine: settings.quarantine,
            blastRadius: settings.blastRadius, approval: approval ?? settings.approval,
            locationLimit: settings.locationLimit, suffixes: settings.suffixes,
            acceptsRewind: acceptsRewind, clock: clock)
    }

    /// Closes the store and opens it again, with a memory that is made of what the table has then.
    func alongside(
        _ counts: @escaping (CompactRoutingTable) throws -> DomainCounts
    ) async throws -> StoreSession {
        await store.close()
        return try await StoreSession(
            engine, folder: settings.folder, quarantine: settings.quarantine,
            blastRadius: settings.blastRadius, approval: settings.approval,
            locationLimit: settings.locationLimit, suffixes: settings.suffixes, clock: clock,
            counts: try counts(table))
    }

    func pass(_ duration: Duration) {
        clock.change { $0 = $0.adding(duration) }
    }

    @discardableResult
    func commit(
        _ command: Command, by actor: Actor = .tester, note: Note = Note(),
        requestID: String = "request", key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> Committed {
        try await store.commit(
            CommitRequest(command, by: actor, note: note, requestID: requestID, idempotency: key))
    }

    @discardableResult
    func register(
        _ name: String, at location: LocationName? = nil, tenant: String? = nil
    ) async throws(RegistryError) -> Domain {
        let wanted = NewDomain(fqdn: fqdn(name), location: location, tenant: tenant)
        let committed = try await commit(.register(wanted))
        guard case .domain(let domain) = committed.outcome else { throw .inconsistent }
        return domain
    }

    func live(_ name: String) async throws -> Domain? {
        try await store.domain(fqdn(name), at: try await store.head().revision)
    }

    func allDomains() async throws -> [Domain] {
        try await store.domains(DomainQuery(limit: 10_000)).value.items
    }

    /// The whole log, oldest first.
    func log() async throws -> [HistoryItem] {
        try await store.history(HistoryQuery(order: .ascending, limit: 100_000)).value.items
    }

    func log(of revision: Revision) async throws -> [HistoryItem] {
        try await log().filter { $0.header.revision == revision }
    }

    func revision() async throws -> Int64 {
        try await store.head().revision.number
    }
}

let japan = LocationName(canonical: "japan")
let aws = LocationName(canonical: "aws")
let nowhere = LocationName(canonical: "nowhere")

extension Actor {
    static let tester = Actor(token: "t-1", name: "tester", role: .operator_)
    /// Another token of the same name.
    static let namesake = Actor(token: "t-2", name: "tester", role: .operator_)
}

func fqdn(_ name: String) -> FQDN { FQDN(canonical: name) }

func settings(
    _ upstream: String = "http://host", signups: Bool = true, isDefault: Bool = false
) -> LocationSettings {
    LocationSettings(
        upstream: UpstreamURL(canonical: upstream), acceptsSignups: signups,
        isDefaultForSignups: isDefault)
}

func token(_ id: String, role: Role = .admin, expiresAt: Timestamp? = nil) -> TokenRecord {
    TokenRecord(
        id: id, name: "name of \(id)", role: role, secretDigest: Array(repeating: 7, count: 32),
        createdAt: StoreSession.start, expiresAt: expiresAt)
}

func key(_ text: String, token: String = "t-1", digest: UInt8 = 1) -> IdempotencyKey {
    IdempotencyKey(token: token, key: text, requestDigest: Array(repeating: digest, count: 32))
}

func new(_ name: String, at location: LocationName? = nil) -> Command {
    .register(NewDomain(fqdn: fqdn(name), location: location))
}
