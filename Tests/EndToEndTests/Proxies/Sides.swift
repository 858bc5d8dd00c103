import Foundation
import Testing

/// What proxies send visitors to: two web servers that say who they are, and what they were told.
final class Sides: Sendable {
    let japan: Int
    let aws: Int
    /// For a proxy, and whatever else it needs.
    let spare: [Int]
    private let process: ChildProcess

    static func start(in folder: TestFolder, spare: Int) async throws -> Sides {
        let ports = try await Repository.script("free-ports", ["\(spare + 2)"], folder)
            .split(separator: " ").compactMap { Int($0) }
        try #require(ports.count == spare + 2)
        return try Sides(folder, ports)
    }

    private init(_ folder: TestFolder, _ ports: [Int]) throws {
        (japan, aws, spare) = (ports[0], ports[1], Array(ports[2...]))
        let servers = [("japan", japan), ("aws", aws)].map { name, port in
            """
            server {
                listen 127.0.0.1:\(port);
                default_type text/plain;
                return 200 "\(name) $http_x_tenant_location $http_x_tenant_mode\\n$http_host\\n$http_x_forwarded_host $http_x_tenant_revision\\n$http_x_original_host$http_forwarded$http_x_tenant_upstream$http_x_tenant_fenced$http_x_tenant_other$http_upgrade";
            }
            """
        }
        let configuration = """
            daemon off;
            worker_processes 1;
            pid \(folder.file("sides.pid").path);
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
                access_log off;
                # As applications read fields that get them as CGI does: X_A is X-A.
                underscores_in_headers on;
                client_body_temp_path \(folder.file("sides-body").path);
                proxy_temp_path \(folder.file("sides-proxy").path);
                fastcgi_temp_path \(folder.file("sides-fastcgi").path);
                uwsgi_temp_path \(folder.file("sides-uwsgi").path);
                scgi_temp_path \(folder.file("sides-scgi").path);
                \(servers.joined(separator: "\n"))
            }
            """
        let file = try folder.write(configuration, to: "sides.conf")
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["nginx", "-e", "stderr", "-p", folder.url.path, "-c", file.path],
            outputs: folder.url, endsBy: SIGTERM)
    }
}

/// The repository's own scripts and configurations.
enum Repository {
    static let root = NginxProcess.repository

    static func script(
        _ name: String, _ arguments: [String], _ folder: TestFolder
    ) async throws -> String {
        let process = try ChildProcess(
            root.appendingPathComponent("scripts/\(name)"), arguments, outputs: folder.url)
        let exit = try await process.waitForExit()
        try #require(exit == .code(0), "\(process.errors)")
        return process.output.trimmingCharacters(in: .newlines)
    }

    /// A configuration with other addresses and paths. Each must be in it.
    static func configuration(_ path: String, _ changes: [(String, String)]) throws -> String {
        var text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        for (old, new) in changes {
            try #require(text.contains(old), "\(path) has no \(old)")
            text = text.replacing(old, with: new)
        }
        return text
    }
}
