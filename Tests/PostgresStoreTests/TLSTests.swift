import Foundation
import PostgresServer
import PostgresStore
import RegistryModel
import Testing

@Suite("A database behind TLS", .timeLimit(.minutes(15))) struct TLSTests {
    /// The server is `db.test` on loopback. `guest` comes with a password, `robot` with a certificate,
    /// both through TLS only.
    private struct Secured {
        let authority: CertificateAuthority
        let server: PostgresServer
        let database: TestDatabase

        init() async throws {
            authority = try CertificateAuthority("the tests' own")
            server = try await PostgresServer.start(
                try .secured(
                    as: "db.test", by: authority,
                    hostRules: """
                        host all registry all trust
                        hostssl all guest all scram-sha-256
                        hostssl all robot all cert
                        """))
            database = try await TestDatabase(server)
            try await server.run("CREATE ROLE guest SUPERUSER LOGIN PASSWORD 'right-secret'")
            try await server.run("CREATE ROLE robot SUPERUSER LOGIN")
        }

        func url(_ settings: String, host: String = "db.test", user: String = "guest") -> String {
            let login = user == "guest" ? "guest:right-secret" : user
            return """
                postgres://\(login)@\(host):\(server.port)/\(database.name)?hostaddr=127.0.0.1&\(settings)
                """
        }

        var root: String { "sslrootcert=\(authority.certificate.path)" }

        func credentials(of user: String, by authority: CertificateAuthority) throws -> String {
            let files = try authority.issue(user)
            return "sslcert=\(files.certificate.path)&sslkey=\(files.key.path)"
        }

        /// Writes, reads and follows, and sees how the sessions came.
        func works(_ url: String, _ name: String) async throws {
            let node = try await Node(url)
            let committed = try await node.run(new(name))
            try await node.reaches(committed.revision)
            #expect(try await node.store.head().revision == committed.revision)
            // The authority gives two days.
            let left = try #require(node.store.certificateEnd).since(Node.clock())
            #expect((.seconds(47 * 3_600)...(.seconds(48 * 3_600))).contains(left))
            // The writer, a reader and the follower.
            let sessions = try await database.run(
                """
                SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE application_name = 'tenant-registry'
                """)
            #expect(sessions.count >= 3 && sessions.allSatisfy { $0 == ["t"] })
            await node.store.close()
        }
    }

    @Test func `is used at every degree of trust that its certificate bears`() async throws {
        let secured = try await Secured()
        try await secured.works(secured.url("sslmode=require"), "a.example")
        try await secured.works(
            secured.url("sslmode=verify-ca&\(secured.root)", host: "other.test"), "b.example")
        try await secured.works(secured.url("sslmode=verify-full&\(secured.root)"), "c.example")
    }

    @Test func `knows a user by his certificate`() async throws {
        let secured = try await Secured()
        let credentials = try secured.credentials(of: "robot", by: secured.authority)
        try await secured.works(
            secured.url("sslmode=verify-full&\(secured.root)&\(credentials)", user: "robot"),
            "a.example")
    }

    @Test func `is refused at once, and with the reason, where something isn't as it should be`()
        async throws
    {
        let secured = try await Secured()
        let stranger = try CertificateAuthority("somebody else's")
        let (root, robot) = (secured.root, "robot")
        let own = try secured.credentials(of: robot, by: secured.authority)
        let open = try secured.authority.issue(robot)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: open.key.path)
        let cases: [(url: String, words: String)] = [
            (
                secured.url("sslmode=verify-full&sslrootcert=\(stranger.certificate.path)"),
                "certificate verify failed"
            ),
            (
                secured.url("sslmode=verify-ca&sslrootcert=\(stranger.certificate.path)"),
                "certificate verify failed"
            ),
            (
                secured.url("sslmode=verify-full&\(root)", host: "other.test"),
                "does not match host name \"other.test\""
            ),
            (secured.url("sslmode=verify-full&sslrootcert=/nowhere/ca.crt"), "/nowhere/ca.crt"),
            (secured.url("sslmode=disable"), "no pg_hba.conf entry"),
            (
                secured.url("sslmode=require", user: robot),
                "connection requires a valid client certificate"
            ),
            (
                secured.url(
                    "sslmode=require&" + (try secured.credentials(of: "x", by: secured.authority)),
                    user: robot),
                "certificate authentication failed for user \"robot\""
            ),
            (
                secured.url(
                    "sslmode=require&sslcert=\(open.certificate.path)&sslkey=\(open.key.path)",
                    user: robot),
                "private key file"
            ),
            (
                secured.url(
                    "sslmode=require&" + (try secured.credentials(of: robot, by: stranger)),
                    user: robot),
                "alert unknown ca"
            ),
            // Not to be had with a certificate alone: the user's name counts.
            (
                secured.url("sslmode=require&\(own)").replacing(":right-secret", with: ""),
                "no password supplied"
            ),
        ]
        for (url, words) in cases {
            let error = try await openingError(url)
            let text = error.map { "\($0)" } ?? "nothing"
            #expect(text.contains(words), "\(url): \(text)")
            #expect(error?.isPassing == false, "waiting doesn't help: \(text)")
            #expect(!text.contains("right-secret"))
        }
        // Nothing of that has come as far as to make a schema.
        #expect(try await secured.database.run("SELECT to_regclass('head')") == [[nil]])
    }

    @Test func `isn't what a server without TLS is taken for`() async throws {
        let database = try await TestDatabase()
        let url = database.url.replacing("sslmode=disable", with: "sslmode=require")
        let error = try await openingError(url)
        #expect(error?.isPassing == false)
        #expect("\(String(describing: error))".contains("does not support SSL"))
        try await database.drop()
    }

    private func openingError(_ url: String) async throws -> PostgresOpeningError? {
        do {
            await (try await Node(url, follows: false)).store.close()
            return nil
        } catch let error as PostgresOpeningError {
            return error
        }
    }
}
