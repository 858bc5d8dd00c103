import Foundation
import PostgresServer
import Testing

/// nginx with TLS before a registry, by an authority that nobody knows.
private final class TLSFront: Sendable {
    let authority: CertificateAuthority
    let port: Int
    private let process: ChildProcess

    init(before registry: ServerProcess, in folder: TestFolder) async throws {
        authority = try CertificateAuthority("private")
        let credentials = try authority.issue("localhost", isServer: true)
        let words = try await Self.freePort(folder)
        port = try #require(Int(words.trimmingCharacters(in: .whitespacesAndNewlines)))
        let file = try folder.write(
            """
            daemon off; pid \(folder.file("tls.pid").path); error_log stderr;
            events {}
            http {
                access_log off;
                client_body_temp_path \(folder.file("body").path);
                proxy_temp_path \(folder.file("proxy").path);
                fastcgi_temp_path \(folder.file("fastcgi").path);
                uwsgi_temp_path \(folder.file("uwsgi").path);
                scgi_temp_path \(folder.file("scgi").path);
                server {
                    listen 127.0.0.1:\(port) ssl;
                    listen [::1]:\(port) ssl;
                    ssl_certificate \(credentials.certificate.path);
                    ssl_certificate_key \(credentials.key.path);
                    location / {
                        proxy_pass http://127.0.0.1:\(registry.port);
                        proxy_http_version 1.1;
                        proxy_buffering off;
                    }
                }
            }
            """, to: "tls.conf")
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["nginx", "-e", "stderr", "-c", file.path],
            outputs: folder.url, endsBy: SIGTERM)
    }

    deinit { process.signal(SIGTERM) }

    private static func freePort(_ folder: TestFolder) async throws -> String {
        let process = try ChildProcess(
            NginxProcess.repository.appendingPathComponent("scripts/free-ports"), ["1"],
            outputs: folder.url)
        try await process.waitForExit()
        return process.output
    }

    var url: String { "https://localhost:\(port)" }
}

/// What the machine's own environment says of authorities doesn't count here.
private let noAuthorities = ["SSL_CERT_FILE": "", "SSL_CERT_DIR": ""]

@Suite("A registry whose certificate comes from a private authority") struct PrivateAuthorityTests {
    private struct World {
        let folder: TestFolder
        let registry: ServerProcess
        let front: TLSFront

        init() async throws {
            folder = try TestFolder()
            registry = try await ServerProcess.start(in: folder)
            front = try await TLSFront(before: registry, in: folder)
        }

        /// A command against nginx, with a token.
        func stats(
            _ arguments: [String] = [], server: String? = nil, environment: [String: String] = [:]
        ) async throws -> CommandRun {
            try await CommandRun.run(
                ["stats", "--server", server ?? front.url] + arguments, in: folder,
                environment:
                    noAuthorities
                    .merging(["TENANT_REGISTRY_TOKEN": registry.adminToken]) { $1 }
                    .merging(environment) { $1 })
        }

        /// Until nginx listens.
        func ready() async throws {
            let file = front.authority.certificate.path
            _ = try await poll("nginx listens") { () -> CommandRun? in
                let run = try await stats(["--ca-file", file])
                return run.exit == .code(0) ? run : nil
            }
        }
    }

    @Test func `is believed by commands that are told of it, and by no others`() async throws {
        let world = try await World()
        try await world.ready()
        let file = world.front.authority.certificate.path
        for environment in [["SSL_CERT_FILE": file], ["TENANT_REGISTRY_CA_FILE": file]] {
            #expect(try await world.stats(environment: environment).exit == .code(0))
        }
        let stranger = try CertificateAuthority("other")
        defer { withExtendedLifetime(stranger) {} }
        let other = stranger.certificate.path
        let told = try await world.stats(
            ["--ca-file", file], environment: ["SSL_CERT_FILE": other])
        #expect(told.exit == .code(0), "the flag comes first: \(told.errors)")
        for refused in [
            try await world.stats(), try await world.stats(["--ca-file", other]),
            try await world.stats(environment: ["SSL_CERT_FILE": other]),
        ] {
            #expect(refused.exit == .code(4))
            #expect(refused.errors.contains("isn't signed by an authority that is trusted here"))
            #expect(!refused.errors.contains("BoringSSL"))
        }
        let name = try await world.stats(
            ["--ca-file", file], server: "https://127.0.0.1:\(world.front.port)")
        #expect(name.exit == .code(4) && name.errors.contains("for another host"))
    }

    /// A folder in which OpenSSL finds the certificate: under the name of its subject's hash.
    private static func hashed(
        _ authority: CertificateAuthority, _ folder: TestFolder, _ name: String
    ) async throws -> URL {
        let place = folder.file(name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: authority.certificate, to: place.appendingPathComponent("authority.pem"))
        let openssl = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/openssl"), ["rehash", place.path], outputs: folder.url)
        try #require(try await openssl.waitForExit() == .code(0), "\(openssl.errors)")
        return place
    }

    @Test func `may stand in folders as OpenSSL has them, one of several, beside a file`()
        async throws
    {
        let world = try await World()
        try await world.ready()
        let stranger = try CertificateAuthority("other")
        defer { withExtendedLifetime(stranger) {} }
        let ours = try await Self.hashed(world.front.authority, world.folder, "ours").path
        let theirs = try await Self.hashed(stranger, world.folder, "theirs").path
        // Garbage where a certificate is expected counts for nothing.
        _ = try world.folder.write("garbage", to: "theirs/01234567.0")
        let believed: [[String: String]] = [
            ["SSL_CERT_DIR": ours], ["SSL_CERT_DIR": "/nowhere:\(theirs):\(ours)"],
            ["SSL_CERT_DIR": ours, "SSL_CERT_FILE": stranger.certificate.path],
            ["SSL_CERT_DIR": theirs, "SSL_CERT_FILE": world.front.authority.certificate.path],
            ["SSL_CERT_DIR": "/nowhere", "SSL_CERT_FILE": world.front.authority.certificate.path],
            ["SSL_CERT_DIR": ours, "SSL_CERT_FILE": ""],
        ]
        for environment in believed {
            let run = try await world.stats(environment: environment)
            #expect(run.exit == .code(0), "\(environment): \(run.errors)")
        }
        for (arguments, environment) in [
            ([], ["SSL_CERT_DIR": theirs]),
            (["--ca-file", stranger.certificate.path], ["SSL_CERT_DIR": ours]),
        ] {
            let run = try await world.stats(arguments, environment: environment)
            #expect(run.exit == .code(4), "\(environment)")
            #expect(run.errors.contains("isn't signed by an authority that is trusted here"))
        }
    }

    @Test func `isn't looked for in folders without hashes, and that is said`() async throws {
        let folder = try TestFolder()
        let authority = try CertificateAuthority("private")
        let plain = folder.file("plain")
        try FileManager.default.createDirectory(at: plain, withIntermediateDirectories: true)
        for name in ["authority.pem", "5ed36f99", "5ed36f99.r0", "5ED36F99.0", "5ed36f99.0.bak"] {
            try FileManager.default.copyItem(
                at: authority.certificate, to: plain.appendingPathComponent(name))
        }
        for folders in [plain.path, "/nowhere", ":", "/nowhere:\(plain.path)"] {
            for command in [["stats", "--server"], ["agent", "--upstream"]] {
                let run = try await CommandRun.run(
                    command + ["https://127.0.0.1:1"], in: folder,
                    environment: ["SSL_CERT_FILE": "", "SSL_CERT_DIR": folders])
                #expect(run.exit == .code(2), "\(run.errors)")
                #expect(run.errors.contains("SSL_CERT_DIR: no folder of \(folders) has"))
                #expect(run.errors.contains("openssl rehash"))
            }
        }
        let http = try await CommandRun.run(
            ["stats", "--server", "http://127.0.0.1:1"], in: folder,
            environment: ["SSL_CERT_DIR": "/nowhere"])
        #expect(http.exit == .code(4))
    }

    @Test func `has its certificate in a file that is there, with certificates in it`() async throws
    {
        let folder = try TestFolder()
        let text = try folder.write("no certificate", to: "text")
        for path in [text.path, "/nowhere/ca.pem", folder.url.path] {
            for (arguments, environment) in [
                (["--ca-file", path], [:]), ([], ["SSL_CERT_FILE": path]),
            ] {
                for command in [["stats", "--server"], ["agent", "--upstream"]] {
                    let run = try await CommandRun.run(
                        command + ["https://127.0.0.1:1"] + arguments, in: folder,
                        environment: environment)
                    #expect(run.exit == .code(2))
                    #expect(run.errors.contains(path) && run.errors.contains("PEM"))
                }
            }
        }
        // Without TLS nobody asks what it names.
        let plain = try await CommandRun.run(
            ["stats", "--server", "http://127.0.0.1:1"], in: folder,
            environment: ["SSL_CERT_FILE": "/nowhere/ca.pem"])
        #expect(plain.exit == .code(4))
    }

    /// How an agent is told.
    enum Telling: CaseIterable {
        case flag, file, folders
    }

    @Test(arguments: Telling.allCases)
    func `is believed by an agent that is told of it`(telling: Telling) async throws {
        let world = try await World()
        try await world.ready()
        _ = try await world.registry.client.register("acme.example.com")
        let file = world.front.authority.certificate.path
        var environment = noAuthorities
        environment["TENANT_REGISTRY_TOKEN"] = world.registry.adminToken
        switch telling {
        case .flag: break
        case .file: environment["SSL_CERT_FILE"] = file
        case .folders:
            environment["SSL_CERT_DIR"] = try await Self.hashed(
                world.front.authority, world.folder, "ours"
            ).path
        }
        let agent = try await AgentProcess.start(
            in: try TestFolder(), upstream: try #require(URL(string: world.front.url)),
            arguments: telling == .flag ? ["--ca-file", file] : [], environment: environment)
        _ = try await poll("the agent has the table") { () -> Bool? in
            try await agent.get("/v1/domains/acme.example.com").status == 200 ? true : nil
        }
    }
}
