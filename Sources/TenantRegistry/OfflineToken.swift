import RegistryModel
import RegistryService

/// A token that is made in the store itself: the way back in, where no admin token is left.
///
/// Whoever may write the store's files, or has the database's password, needs no token to do anything;
/// this leaves a line in the log, as everything else does. Nodes that have the database learn of it by the
/// log.
struct OfflineToken {
    private let name: String
    private let role: Role
    private let expiresAt: Timestamp?
    private let note: Note

    /// Who the log says it was.
    static let actor = Actor(token: Actor.system.token, name: "offline", role: .admin)

    /// - Throws: `CommandFailure.usage` for what the service would refuse.
    init(name: String, role: String, expiresAt: String?, note: Note) throws {
        guard (1...100).contains(name.unicodeScalars.count), Self.isClean(name) else {
            throw CommandFailure.usage(
                "a token's name has 1 to 100 characters, none of them control characters")
        }
        guard let role = Role(rawValue: role) else {
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure.usage("--role: one of \(roles) is expected, not \(role)")
        }
        self.name = name
        self.role = role
        self.expiresAt = try expiresAt.map { text in
            guard let time = Timestamp(rfc3339: text), time > SystemClock.now() else {
                throw CommandFailure.usage(
                    "--expires-at: a time in the future in RFC 3339 is expected, not \(text)")
            }
            return time
        }
        try Self.check(note)
        self.note = note
    }

    /// - Throws: `CommandFailure.usage` for what the service would refuse.
    static func check(_ note: Note) throws {
        guard (note.reason ?? "").unicodeScalars.count <= 500,
            (note.ticket ?? "").unicodeScalars.count <= 100,
            isClean((note.reason ?? "").filter { !$0.isWhitespace }),
            isClean(note.ticket ?? "")
        else {
            throw CommandFailure.usage(
                "--reason has at most 500 characters, --ticket 100, none of them control characters"
            )
        }
    }

    private static func isClean(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// - Parameter folder: of the embedded store, or of a node: what it has seen of the database speaks here, too.
    /// - Returns: the token; it's nowhere else.
    func make(in choice: StoreChoice, folder: String) async throws -> TokenSecret {
        let store = try await OfflineStore.open(choice, folder)
        // Of a store that has begun its log: the first start makes the first token by itself.
        guard let head = try? await store.head(), head.revision > .zero else {
            await store.close()
            throw CommandFailure.failed("there is no store there yet: start the service first")
        }
        let secret = TokenSecret.random()
        let record = TokenRecord(
            id: secret.id, name: name, role: role, secretDigest: secret.digest,
            createdAt: SystemClock.now(), expiresAt: expiresAt)
        let result: Result<Committed, RegistryError>
        do throws(RegistryError) {
            result = .success(
                try await store.commit(
                    CommitRequest(
                        .createToken(record), by: Self.actor, note: note, requestID: "offline")))
        } catch {
            result = .failure(error)
        }
        await store.close()
        do {
            _ = try result.get()
        } catch {
            throw CommandFailure.failed("the store refused the token: \(error.code)")
        }
        return secret
    }
}
