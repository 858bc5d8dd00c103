import Foundation
import PostgresServer
import RegistryClient
import Testing

@Suite("A node whose database is behind TLS", .timeLimit(.minutes(15))) struct SecuredDatabaseTests
{
    @Test func `works with the right certificates, and says at the start which are wrong`()
        async throws
    {
        let authority = try CertificateAuthority("the tests' own")
        let stranger = try CertificateAuthority("somebody else's")
        let postgres = try await PostgresServer.start(
            try .secured(
                as: "db.test", by: authority,
                hostRules: """
                    host all registry all trust
                    hostssl all guest all scram-sha-256
                    """))
        try await postgres.run("CREATE ROLE guest SUPERUSER LOGIN PASSWORD 'right-secret'")
        try await postgres.makeDatabase("registry")
        let folder = try TestFolder()
        let password = try folder.write("right-secret\n", to: "password")
        func store(_ mode: String, _ root: CertificateAuthority, host: String = "db.test") -> String
        {
            """
            postgres://guest@\(host):\(postgres.port)/registry?hostaddr=127.0.0.1&sslmode=\(mode)\
            &sslrootcert=\(root.certificate.path)
            """
        }
        let refused: [(store: String, words: String)] = [
            (store("verify-full", stranger), "certificate verify failed"),
            (
                store("verify-full", authority, host: "other.test"),
                "does not match host name"
            ),
            (store("disable", authority), "no pg_hba.conf entry"),
        ]
        for (store, words) in refused {
            let node = try ChildProcess(
                TenantRegistryBinary.url,
                [
                    "serve", "--listen", "127.0.0.1:0", "--data-dir", folder.file("d").path,
                    "--store-wait", "300", "--store-password-file", password.path, "--store", store,
                ], outputs: folder.url)
            // At once: it doesn't wait for what won't change.
            let exit = try await node.waitForExit(within: .seconds(120))
            #expect(exit == .code(1), "\(node.errors)")
            #expect(node.errors.contains(words), "\(node.errors)")
            #expect(!node.errors.contains("right-secret"))
        }
        let node = try await ServerProcess.start(
            in: folder,
            arguments: [
                "--store", store("verify-full", authority), "--store-password-file", password.path,
            ])
        _ = try await node.client.register("a.example.com")
        let plain = try await postgres.run(
            """
            SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'tenant-registry' AND NOT ssl
            """)
        #expect(plain.isEmpty)
        #expect(try await node.stop() == .code(0))
    }
}
