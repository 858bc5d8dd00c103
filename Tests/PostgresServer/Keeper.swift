import Foundation
import Synchronization
import TestProcesses

/// The shell that keeps one server: it starts it as an ordinary user, again when it's told to, and ends
/// it when its own standard input does.
final class Keeper: Sendable {
    private let process: TestProcess
    private let input: Int32
    private let hasEnded = Mutex(false)

    private static let script = """
        umask 077
        as=""
        if [ "$(id -u)" = 0 ]; then
            user=nobody
            chown -R "$user" "$DIR"
            as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
        fi
        $as "$BIN/initdb" -D "$DIR/data" -U registry --auth=trust --no-sync -E UTF8 \\
            --locale=C.UTF-8 $INITDB >> "$DIR/log" 2>&1 || exit 1
        if [ -d "$DIR/files" ]; then mv "$DIR/files/"* "$DIR/data/"; fi
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

        let durability =
            settings.isDurable
            ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        let options =
            ["max_connections=500", "shared_buffers=64MB"] + durability + settings.options
        let environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DIR": folder.path, "PORT": "\(port)",
            "BIN": binaries.path, "HBA": settings.hostRules ?? "",
            "OPTIONS": options.map { "-c \($0)" }.joined(separator: " "), "LC_ALL": "C.UTF-8",
            "INITDB": settings.initialisation.joined(separator: " "),
        ]
        defer { close(ends[0]) }
        do {
            process = try TestProcess.start(
                ["/bin/sh", "-c", Self.script], environment: environment,
                TestProcess.Streams(input: .descriptor(ends[0])), isLeader: true)
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// Whether the keeper is there: it ends by itself where the server can't be made.
    var isRunning: Bool {
        hasEnded.withLock { hasEnded in
            if !hasEnded, waitpid(process.pid, nil, WNOHANG) != 0 { hasEnded = true }
            return !hasEnded
        }
    }

    func startAgain() {
        _ = write(input, "again\n", 6)
    }

    /// Ends the server and takes its folder away, in its own time.
    func release() {
        close(input)
        process.reap()
    }
}
