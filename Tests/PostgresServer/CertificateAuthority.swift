import Foundation
import TestProcesses

/// A certificate authority of one test's own, by the `openssl` program.
package final class CertificateAuthority: Sendable {
    package struct Credentials: Sendable {
        package let certificate: URL
        /// Readable by this process's user only, as libpq wants it.
        package let key: URL
    }

    private let folder: URL

    package init(_ name: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "registry-authority-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-out", file("ca.crt")]
                + newKey("ca.key"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    package var certificate: URL { folder.appendingPathComponent("ca.crt") }

    /// - Parameters:
    ///   - name: of the host, or of the user: the subject's common name.
    ///   - isServer: whether the name is a host's, which stands in the certificate as such.
    package func issue(_ name: String, isServer: Bool = false) throws -> Credentials {
        let id = UUID().uuidString
        let extensions = isServer ? ["-addext", "subjectAltName=DNS:\(name)"] : []
        try openssl(
            ["req", "-new", "-subj", "/CN=\(name)", "-out", file("\(id).csr")] + extensions
                + newKey("\(id).key"))
        try openssl([
            "x509", "-req", "-in", file("\(id).csr"), "-CA", file("ca.crt"), "-CAkey",
            file("ca.key"), "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out",
            file("\(id).crt"),
        ])
        let key = folder.appendingPathComponent("\(id).key")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
        return Credentials(certificate: folder.appendingPathComponent("\(id).crt"), key: key)
    }

    private func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func newKey(_ name: String) -> [String] {
        [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            file(name),
        ]
    }

    private func openssl(_ arguments: [String]) throws {
        let log = file("log")
        let process = try TestProcess.start(
            ["/usr/bin/openssl"] + arguments, environment: ["HOME": folder.path],
            TestProcess.Streams(output: log), isLeader: true)
        guard process.wait() == .code(0) else {
            let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw PostgresServer.Failed(description: "openssl: \(words)")
        }
    }
}

extension PostgresServer.Settings {
    /// A server that speaks TLS as `host`, and believes the users that `authority` vouches for.
    package static func secured(
        as host: String, by authority: CertificateAuthority, hostRules: String
    ) throws -> PostgresServer.Settings {
        let credentials = try authority.issue(host, isServer: true)
        func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }
        var settings = PostgresServer.Settings()
        settings.hostRules = hostRules
        settings.files = [
            "tls.crt": try text(credentials.certificate), "tls.key": try text(credentials.key),
            "tls-ca.crt": try text(authority.certificate),
        ]
        settings.options = [
            "ssl=on", "ssl_cert_file=tls.crt", "ssl_key_file=tls.key", "ssl_ca_file=tls-ca.crt",
        ]
        return settings
    }
}
