import Foundation
import RegistryModel
import RegistryService

/// Tokens whose text was made elsewhere, and kept, before there was a store: a folder of files, as a Secret is mounted.
///
/// It may be run again, and twice at once: what is there already, under the same name and role, stays as it is. All
/// files are looked at before anything is written, each token is a revision of its own, and whoever is cut off in
/// between runs it again.
struct TokenBootstrap {
    private struct Wanted {
        let file: String
        let secret: TokenSecret
        let name: String
        let role: Role
    }

    enum State: String {
        case created
        case there = "is there"
        /// Nobody makes it again: who took it away meant it, and a start doesn't hang on it.
        case over = "was revoked, or has expired"
    }

    /// What came of one file.
    struct Outcome {
        let id: String
        let name: String
        let role: Role
        let state: State
    }

    /// A token is some ninety bytes.
    private static let longestFile = 4_096
    private let wanted: [Wanted]

    /// - Parameter folder: a file for each token, which is called NAME.ROLE and holds its text. Names that begin with a
    ///   dot are passed over: Kubernetes keeps its own there.
    /// - Throws: `CommandFailure.usage`, without what a file holds.
    init(folder: String) throws {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw CommandFailure.usage("--from: \(folder) can't be read as a folder")
        }
        let files = names.filter { !$0.hasPrefix(".") }.sorted()
        guard !files.isEmpty else { throw CommandFailure.usage("--from: \(folder) is empty") }
        wanted = try files.map { try Self.read($0, in: folder) }
        guard Set(wanted.map(\.secret.id)).count == wanted.count else {
            throw CommandFailure.usage("--from: two files in \(folder) hold the same token")
        }
    }

    private static func read(_ file: String, in folder: String) throws -> Wanted {
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex,
            let role = Role(rawValue: String(file[file.index(after: dot)...])),
            file[..<dot].unicodeScalars.count <= 100,
            file.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure.usage(
                "--from: a file is called NAME.ROLE, with one of the roles \(roles), and not \(file)"
            )
        }
        let path = folder + "/" + file
        guard let data = FileManager.default.contents(atPath: path), data.count <= longestFile
        else { throw CommandFailure.usage("--from: \(path) can't be read") }
        let text = try AccessToken.read(String(decoding: data, as: UTF8.self), path)
        // What the service makes itself, and nothing that somebody has thought up and others may guess.
        guard text.wholeMatch(of: #/trk_[a-z2-7]{12}_[0-9a-f]{64}/#) != nil,
            let secret = TokenSecret(text)
        else {
            throw CommandFailure.usage(
                "\(path): that's no token of the service's making; tokens generate prints one")
        }
        return Wanted(file: file, secret: secret, name: String(file[..<dot]), role: role)
    }

    /// - Throws: `CommandFailure.failed`, before anything is written, where a token is there as another one, or where
    ///   nobody could make tokens afterwards.
    func run(in choice: StoreChoice, folder: String, note: Note) async throws -> [Outcome] {
        try OfflineToken.check(note)
        let store = try await OfflineStore.open(choice, folder, makesNew: true)
        let result: Result<[Outcome], any Error>
        do {
            result = .success(try await run(in: store, note))
        } catch let error as RegistryError {
            result = .failure(CommandFailure.failed("the store refused: \(error.code)"))
        } catch {
            result = .failure(error)
        }
        await store.close()
        return try result.get()
    }

    private func run(in store: any Store, _ note: Note) async throws -> [Outcome] {
        // In this order: what another one makes in between is there, and isn't taken for one that was revoked.
        let ever = try await Self.everMade(in: store)
        let there = try await Self.tokens(of: store)
        for each in wanted { try check(each, there[each.secret.id]) }
        // The service makes a first admin token where there is none at all: these would keep it from that.
        guard !there.isEmpty || wanted.contains(where: { $0.role == .admin }) else {
            throw CommandFailure.failed(
                "this store has no token yet: one of them has to have the role admin")
        }
        var outcomes: [Outcome] = []
        for each in wanted {
            let id = each.secret.id
            var state = there[id] != nil ? State.there : .over
            if there[id] == nil, !ever.contains(id) {
                state = try await create(each, in: store, note).isReplay ? .there : .created
            }
            outcomes.append(Outcome(id: id, name: each.name, role: each.role, state: state))
        }
        return outcomes
    }

    private static func tokens(of store: any Store) async throws -> [String: TokenRecord] {
        var found: [String: TokenRecord] = [:]
        var last: String?
        repeat {
            let page = try await store.tokens(after: last, limit: 1_000).value
            for each in page.items { found[each.id] = each }
            last = page.hasMore ? page.items.last?.id : nil
        } while last != nil
        return found
    }

    /// The ids of all tokens of the log: one that was revoked or has expired isn't in the list any more.
    private static func everMade(in store: any Store) async throws -> Set<String> {
        var found: Set<String> = []
        var query = HistoryQuery(action: .tokenCreated, limit: 1_000)
        while true {
            let page = try await store.history(query).value
            for case .token(let id, _, _) in page.items.map(\.change.subject) { found.insert(id) }
            guard page.hasMore, let last = page.items.last else { return found }
            query.after = HistoryQuery.Place(
                revision: last.header.revision, position: last.position)
        }
    }

    private func check(_ wanted: Wanted, _ there: TokenRecord?) throws {
        guard let there else { return }
        guard there.secretDigest == wanted.secret.digest, there.role == wanted.role,
            there.name == wanted.name
        else {
            throw CommandFailure.failed(
                "\(wanted.file): the token \(there.id) is there, as \(there.name), \(there.role.rawValue)"
            )
        }
    }

    /// Of several that run at once, one makes it.
    private func create(
        _ wanted: Wanted, in store: any Store, _ note: Note
    ) async throws(RegistryError) -> Committed {
        let secret = wanted.secret
        let record = TokenRecord(
            id: secret.id, name: wanted.name, role: wanted.role, secretDigest: secret.digest,
            createdAt: SystemClock.now())
        let key = IdempotencyKey(
            token: Actor.system.token, key: "bootstrap-\(secret.id)", requestDigest: secret.digest)
        return try await store.commit(
            CommitRequest(
                .createToken(record), by: OfflineToken.actor, note: note, requestID: "bootstrap",
                idempotency: key))
    }
}
