import CSpawn
import Foundation

/// A program that a test needs, by `posix_spawn`: Foundation's `Process` looks through the runner's open
/// files, and crashes where other tests open theirs at the same time.
enum Child {
    /// - Parameters:
    ///   - input: its standard input; nothing without one.
    ///   - output: the file for what it says.
    static func spawn(
        _ command: [String], environment: [String], input: Int32? = nil,
        output: String = "/dev/null"
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(
            &actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A socket of another test that the child inherited would stay open after its end.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A group of its own: what ends the test's group by a key doesn't end the child first.
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var child = pid_t()
        let status = withCStrings(command) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&child, command[0], &actions, &attributes, arguments, environment)
            }
        }
        guard status == 0 else {
            throw PostgresServer.Failed(description: String(cString: strerror(status)))
        }
        return child
    }

    /// - Returns: whether it ended with 0.
    static func succeeds(_ child: pid_t) -> Bool {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { return false }
        }
        return status == 0
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
