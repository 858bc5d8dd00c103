import Foundation
import Logging
import RegistryLedger
import RegistryModel
import SQLiteStore

// What the digest chain costs a commit: the time of whole commits of one row and of 100,000, synced to
// the disk, beside the time that the digests of the very same changes take. One JSON object on stdout.

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? NSTemporaryDirectory())
    .appendingPathComponent("chain-cost-\(UUID().uuidString)")
let clock = { @Sendable in
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
}
let store = try SQLiteStore(
    SQLiteStore.Configuration(folder: folder, quarantine: .seconds(90 * 86_400), now: clock),
    logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }, onCommit: { _ in })
defer { try? FileManager.default.removeItem(at: folder) }

let actor = Actor(token: "k3v7qz2mxa4d", name: "ops-laptop", role: .operator_)
let requestID = "0f1c2a4b5b0c2f6a9d1e4c7f8a3b6d9e"

func names(_ count: Int, _ round: Int) -> [NewDomain] {
    (0..<count).map {
        NewDomain(
            fqdn: FQDN(canonical: "tenant\($0).round\(round).kintone.com"),
            location: LocationName(canonical: "japan"), tenant: "customer-\($0)")
    }
}

func seconds(_ work: () async throws -> Void) async rethrows -> Double {
    let started = ContinuousClock.now
    try await work()
    return started.duration(to: .now) / .seconds(1)
}

/// The digest of a revision that registers `rows`, as the ledger computes it.
func digestSeconds(_ rows: [NewDomain]) async -> Double {
    let changes = rows.map { row in
        Change(
            .registered,
            .domain(
                row.fqdn, before: nil,
                after: Placement(
                    location: row.location!, mode: .serve, tenant: row.tenant, fence: nil),
                registeredAt: clock()
            ))
    }
    let header = RevisionHeader(
        epoch: Epoch("k3v7qz2mxa4d"), revision: Revision(48_211), at: clock(), actor: actor,
        note: Note(reason: "closer to the customer", ticket: "OPS-78"), requestID: requestID)
    return await seconds {
        _ = RevisionDigest.digest(of: header, changes: changes, after: RevisionDigest.genesis)
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func measure(rows: Int, rounds: Int) async throws -> (commit: Double, digest: Double) {
    var commits: [Double] = []
    var digests: [Double] = []
    for round in 0..<rounds {
        let wanted = names(rows, rows * 1000 + round)
        let request = CommitRequest(
            .registerBatch(wanted.map { .wanted($0) }), by: actor,
            note: Note(reason: "closer to the customer", ticket: "OPS-78"), requestID: requestID)
        commits.append(try await seconds { _ = try await store.commit(request) })
        digests.append(await digestSeconds(wanted))
    }
    return (median(commits), median(digests))
}

let one = try await measure(rows: 1, rounds: 2_000)
let many = try await measure(rows: 100_000, rounds: 5)
print(
    """
    {"one": {"commit_us": \(one.commit * 1e6), "digest_us": \(one.digest * 1e6)}, \
    "many": {"commit_ms": \(many.commit * 1e3), "digest_ms": \(many.digest * 1e3)}}
    """)
await store.close()
