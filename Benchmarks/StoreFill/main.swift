import Foundation
import Logging
import RegistryModel
import SQLiteStore

// Fills a store with names of 24 bytes, each of a customer of its own, through the ledger as every write
// goes, without HTTP: for figures of many names.
//
//     StoreFill FOLDER COUNT
//
// No service may run on the folder meanwhile.

let arguments = CommandLine.arguments
guard arguments.count == 3, let count = Int(arguments[2]) else {
    print("usage: StoreFill FOLDER COUNT")
    exit(2)
}
/// Rows of one revision.
let batch = 100_000
let store = try SQLiteStore(
    SQLiteStore.Configuration(
        folder: URL(fileURLWithPath: arguments[1], isDirectory: true),
        quarantine: .seconds(90 * 86_400),
        now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }),
    logger: Logger(label: "fill") { _ in SwiftLogNoOpLogHandler() }, onCommit: { _ in })
let actor = Actor(token: "k3v7qz2mxa4d", name: "bench", role: .operator_)

func name(_ number: Int) -> FQDN {
    let digits = String(number)
    return FQDN(
        canonical: "t" + String(repeating: "0", count: 11 - digits.count) + digits
            + ".kintone.com")
}

for first in stride(from: 0, to: count, by: batch) {
    let rows = (first..<min(count, first + batch)).map {
        NewDomain(
            fqdn: name($0), location: LocationName(canonical: "japan"), tenant: "customer-\($0)")
    }
    _ = try await store.commit(
        CommitRequest(
            .registerBatch(rows.map { .wanted($0) }), by: actor, note: Note(reason: "bench"),
            requestID: "fill-\(first)"))
}
await store.close()
