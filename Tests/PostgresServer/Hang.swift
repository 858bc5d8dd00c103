import Foundation

/// All processes of a server stopped, their connections open: a disk or a virtual machine that hangs.
package struct Hang: Sendable {
    private let pids: [pid_t]

    package init(of server: PostgresServer) throws {
        guard let postmaster = server.pid else {
            throw PostgresServer.Failed(description: "the server doesn't run")
        }
        kill(postmaster, SIGSTOP)
        let all = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(
            pid_t.init)
        pids = [postmaster] + all.filter { Self.parent(of: $0) == postmaster }
        for pid in pids { kill(pid, SIGSTOP) }
    }

    package func end() {
        for pid in pids { kill(pid, SIGCONT) }
    }

    private static func parent(of pid: pid_t) -> pid_t? {
        // "pid (name) state parent …"; it may have ended meanwhile.
        let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat?.split(separator: ")").last?.split(separator: " ")
        return (fields?.dropFirst().first).flatMap { pid_t($0) }
    }
}
