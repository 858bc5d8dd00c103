import CSpawn
import Foundation

/// A command of the operator's own, run by `sh -c`: what it writes goes to stderr, for stdout holds
/// our data.
struct ShellCommand {
    let text: String

    enum Outcome: Equatable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)
        case notStarted(String)

        var isSuccess: Bool { self == .code(0) }

        var description: String {
            switch self {
            case .code(let code): "ended with \(code)"
            case .signal(let number): "was ended by signal \(number)"
            case .notStarted(let reason): "can't be started: \(reason)"
            }
        }
    }

    struct Child: Sendable {
        let pid: pid_t
        /// Whether it leads a process group of its own.
        let isLeader: Bool

        /// A shell ends without its own children: the whole group hears. At a terminal the command
        /// is in ours, so that it may ask for passwords there, and the terminal has sent Ctrl-C to
        /// it already.
        func send(_ signal: Int32) {
            if isLeader {
                kill(-pid, signal)
            } else if signal != SIGINT {
                kill(pid, signal)
            }
        }
    }

    /// - Parameter environment: beside this process's own.
    func run(environment: [String: String], _ interruption: Interruption) async -> Outcome {
        let isLeader = isatty(STDIN_FILENO) == 0
        let pid: pid_t
        switch spawn(environment, isLeader: isLeader, trapped: interruption.trapped) {
        case .success(let child): pid = child
        case .failure(let error): return .notStarted(error.reason)
        }
        interruption.begin(Child(pid: pid, isLeader: isLeader))
        return await withCheckedContinuation { continuation in
            // A thread of its own: the pool's mustn't block.
            Thread.detachNewThread {
                continuation.resume(returning: Self.wait(for: pid, interruption))
            }
        }
    }

    private struct NotStarted: Error {
        let reason: String
    }

    private func spawn(
        _ environment: [String: String], isLeader: Bool, trapped: [Int32]
    ) -> Result<pid_t, NotStarted> {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        // A daemon that the command starts must not keep our listeners and connections open.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        // Signals that we hear ourselves must end the command as they would end it anywhere.
        var none = sigset_t()
        var ours = sigset_t()
        sigemptyset(&none)
        sigemptyset(&ours)
        for signal in trapped + [SIGPIPE] { sigaddset(&ours, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ours)
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = isLeader ? Int16(POSIX_SPAWN_SETPGROUP) : 0
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | group)

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = Self.strings(["sh", "-c", text])
        let pairs = Self.strings(variables.map { "\($0)=\($1)" })
        defer { (words + pairs).forEach { free($0) } }
        var pid = pid_t()
        let status = posix_spawn(&pid, "/bin/sh", &actions, &attributes, words, pairs)
        guard status == 0 else {
            return .failure(NotStarted(reason: String(cString: strerror(status))))
        }
        return .success(pid)
    }

    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }

    private static func wait(for pid: pid_t, _ interruption: Interruption) -> Outcome {
        // First without taking its id away: until then a signal can still mean it.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        interruption.end()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .code((status >> 8) & 0xFF) : .signal(signal)
    }
}
