import CSpawn
import Foundation

/// A process that a test needs, started by `posix_spawn`.
///
/// Starting returns at once and nothing waits for the end but who asks, which a library of structured tasks
/// doesn't offer; Foundation's `Process` looks through the runner's open files while it starts one, and crashes
/// now and then where other tests open theirs at the same time.
package struct TestProcess: Sendable {
    package enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    package struct NotStarted: Error, CustomStringConvertible {
        package let description: String
    }

    /// Where its standard streams are.
    package struct Streams: Sendable {
        package enum Input: Sendable {
            case file(String)
            case descriptor(Int32)
        }

        package var input: Input
        package var output: String
        /// Nil: where its output goes.
        package var errors: String?
        /// Whether the files begin empty.
        package var truncates: Bool

        package init(
            input: Input = .file("/dev/null"), output: String = "/dev/null", errors: String? = nil,
            truncates: Bool = false
        ) {
            self.input = input
            self.output = output
            self.errors = errors
            self.truncates = truncates
        }
    }

    package let pid: pid_t

    /// - Parameters:
    ///   - command: the executable's path and its arguments.
    ///   - environment: all of it.
    ///   - isLeader: whether it gets a process group of its own: what ends the test's group by a key doesn't end
    ///     it first.
    package static func start(
        _ command: [String], environment: [String: String], _ streams: Streams = Streams(),
        isLeader: Bool = false
    ) throws -> TestProcess {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        switch streams.input {
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDONLY, 0)
        case .descriptor(let descriptor):
            posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
        }
        let flags = O_WRONLY | O_CREAT | (streams.truncates ? O_TRUNC : O_APPEND)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, streams.output, flags, 0o600)
        if let errors = streams.errors {
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, flags, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        }
        // A socket of another test that the child inherited would stay open after its end.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        // The runner ignores and blocks signals that the child has to hear.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let group = isLeader ? Int16(POSIX_SPAWN_SETPGROUP) : 0
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | group)

        var pid = pid_t()
        let status = withCStrings(command) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&pid, command[0], &actions, &attributes, arguments, environment)
            }
        }
        guard status == 0 else {
            throw NotStarted(description: "\(command[0]): \(String(cString: strerror(status)))")
        }
        return TestProcess(pid: pid)
    }

    /// Blocks its thread until the process ends, and reaps it.
    @discardableResult
    package func wait() -> Exit {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal)
    }

    /// Reaps it in its own time.
    package func reap() {
        Thread.detachNewThread { wait() }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
