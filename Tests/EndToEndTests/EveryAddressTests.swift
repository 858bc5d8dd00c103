import AsyncHTTPClient
import Foundation
import Testing

@Suite("Listening on every address") struct EveryAddressTests {
    /// Whether the process answers on a port, by IPv4 and by IPv6.
    private static func answers(on port: Int?) async throws -> [String] {
        let port = try #require(port)
        var families: [String] = []
        for host in ["127.0.0.1", "[::1]"] {
            let request = HTTPClientRequest(url: "http://\(host):\(port)/livez")
            let answer = try await ServerProcess.http.execute(request, timeout: .seconds(20))
            if answer.status == .ok { families.append(host) }
        }
        return families
    }

    private static func ports(
        _ arguments: [String], _ count: Int, in folder: TestFolder
    ) async throws -> (ChildProcess, [Int?]) {
        let process = try ChildProcess(
            TenantRegistryBinary.url, arguments, outputs: folder.url, environment: [:])
        let ports = try await poll("it listens: \(process.errors)") { () -> [Int?]? in
            let lines = LogLine.all(in: process.errors).filter { $0.announces != nil }
            guard lines.count < count else { return lines.map(\.port) }
            guard process.isRunning else {
                throw ServerProcess.EndedEarly(errors: process.errors)
            }
            return nil
        }
        return (process, ports)
    }

    @Test func `is *, for IPv4 and IPv6, on both ports of the service`() async throws {
        let folder = try TestFolder()
        let (process, ports) = try await Self.ports(
            [
                "serve", "--listen", "*:0", "--ops-listen", "*:0", "--drain-seconds", "0",
                "--data-dir", folder.file("data").path,
            ], 2, in: folder)
        for port in ports {
            #expect(try await Self.answers(on: port) == ["127.0.0.1", "[::1]"])
        }
        process.signal(SIGTERM)
        #expect(try await process.waitForExit() == .code(0))
    }

    @Test func `is * for an agent, too`() async throws {
        let folder = try TestFolder()
        let (process, ports) = try await Self.ports(
            [
                "agent", "--listen", "*:0", "--upstream", "http://127.0.0.1:1", "--name", "edge",
                "--drain-seconds", "0", "--state-dir", folder.file("state").path,
            ], 1, in: folder)
        #expect(try await Self.answers(on: ports.first ?? nil) == ["127.0.0.1", "[::1]"])
        process.signal(SIGTERM)
        #expect(try await process.waitForExit() == .code(0))
    }
}
