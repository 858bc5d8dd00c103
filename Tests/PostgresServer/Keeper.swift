import CSpawn
import Foundation
import Synchronization

/// The shell that keeps one server: it starts it as an ordinary user, again when it's told to, and ends
/// it when its own standard input does.
final class Keeper: Sendable {
    private let pid: pid_t
    private let input: Int32
    private let hasEnded = Mutex(false)

    private static let script = """
        umask 077
        as=""
        if [ "$(id -u)" = 0 ]; then
            user=nobody
            chown "$user" "$DIR"
            as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
        fi
        $as "$BIN/initdb" -D "$DIR/data" -U registry --auth=trust --no-sync -E UTF8 \\
            --locale=C.UTF-8 >> "$DIR/log" 2>&1 || exit 1
        if [ -n "$HBA" ]; then printf '%s\\n' "$HBA" > "$DIR/data/pg_hba.conf"; fi
        while :; do
            $as "$BIN/postgres" -D "$DIR/data" -p "$PORT" -c listen_addresses=127.0.0.1 \\
                -c unix_socket_directories= $OPTIONS >> "$DIR/log" 2>&1 &
            server=$!
            if ! read -r word; then break; fi
            wait $server
        done
        kill -QUIT $server 2>/dev/null
        wait $server
        rm -rf "$DIR"
        """

    init(folder: URL, port: Int, binaries: URL, settings: PostgresServer.Settings) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PostgresServer.Failed(description: String(cString: strerror(errno)))
        }
        // No other child may keep the writing end open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        input = ends[1]

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // A socket of another test that the server inherited would stay open after its end.
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
        // A group of its own: what ends the test's group by a key doesn't end the keeper first.
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let durability =
            settings.isDurable
            ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        let options =
            ["max_connections=500", "shared_buffers=64MB"] + durability + settings.options
        let environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DIR=\(folder.path)", "PORT=\(port)",
            "BIN=\(binaries.path)", "HBA=\(settings.hostRules ?? "")",
            "OPTIONS=\(options.map { "-c \($0)" }.joined(separator: " "))", "LC_ALL=C.UTF-8",
        ]
        var child = pid_t()
        let status = Self.withCStrings(["/bin/sh", "-c", Self.script]) { arguments in
            Self.withCStrings(environment) { environment in
                posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environment)
            }
        }
        close(ends[0])
        guard status == 0 else {
            close(ends[1])
            throw PostgresServer.Failed(description: String(cString: strerror(status)))
        }
        pid = child
    }

    /// Whether the keeper is there: it ends by itself where the server can't be made.
    var isRunning: Bool {
        hasEnded.withLock { hasEnded in
            if !hasEnded, waitpid(pid, nil, WNOHANG) != 0 { hasEnded = true }
            return !hasEnded
        }
    }

    func startAgain() {
        _ = write(input, "again\n", 6)
    }

    /// Ends the server and takes its folder away, in its own time.
    func release() {
        close(input)
        let pid = pid
        Thread.detachNewThread { waitpid(pid, nil, 0) }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
