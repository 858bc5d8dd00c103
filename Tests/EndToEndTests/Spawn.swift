import CSpawn
import Foundation

/// Starts a process by `posix_spawn`.
///
/// Foundation's `Process` looks through the runner's open files while it starts one, and crashes now
/// and then where other tests open theirs at the same time.
enum Spawn {
    struct Failed: Error {
        let executable: String
        let reason: String
    }

    /// Standard input, output and error by path. `env -C` changes the folder, and becomes the program.
    static func start(
        _ executable: URL, _ arguments: [String], environment: [String: String], folder: URL,
        input: URL?, output: URL, errors: URL
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, input?.path ?? "/dev/null", O_RDONLY, 0)
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 1, output.path, flags, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors.path, flags, 0o600)
        // A socket of another test that the child inherited would stay open after its end.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        // The runner ignores and blocks signals that the child has to hear.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var pid = pid_t()
        let env = "/usr/bin/env"
        let words = [env, "-C", folder.path, executable.path] + arguments
        let status = withCStrings(words) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&pid, env, &actions, &attributes, arguments, environment)
            }
        }
        guard status == 0 else {
            throw Failed(executable: executable.path, reason: String(cString: strerror(status)))
        }
        return pid
    }

    /// Blocks its thread until the process ends, and reaps it.
    static func wait(for pid: pid_t) -> ChildProcess.Exit {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal)
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
