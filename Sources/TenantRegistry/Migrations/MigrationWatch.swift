import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// `migrations show --watch`: asks every second, and shows what changed.
struct MigrationWatch {
    let id: String
    let format: OutputFormat

    private static let interval = Duration.seconds(1)

    func run(_ registry: RegistryClient, _ interruption: Interruption) async throws {
        let redraws = format == .table && isatty(STDOUT_FILENO) == 1
        // What nobody knows is an error at once; what happens later may pass.
        var received = try await registry.migration(id)
        var last: Migration?
        repeat {
            if received.value != last {
                show(received, since: last, redraws: redraws)
                last = received.value
            }
            guard Self.isOpen(received.value), await interruption.sleep(Self.interval) else {
                return
            }
            do {
                received = try await registry.migration(id)
            } catch ClientError.unreachable(let what) {
                StandardError.write("\(what); trying again\n")
            } catch ClientError.refused(let refusal) where refusal.status == 503 {
                StandardError.write("\(refusal); trying again\n")
            }
        } while true
    }

    static func isOpen(_ migration: Migration) -> Bool {
        migration.state.isOpen
    }

    private func show(
        _ received: RegistryClient.Received<Migration>, since last: Migration?,
        redraws: Bool
    ) {
        guard format != .json else { return StandardOutput.write(received.text + "\n") }
        let migration = received.value
        if redraws {
            // Home, and clear to the end.
            StandardOutput.control("\u{1B}[H\u{1B}[2J")
            StandardOutput.write(MigrationView.summary(migration))
            return MigrationView.waves(Self.window(migration, rows: Self.terminalRows - 4))
                .print(.table)
        }
        if last == nil { StandardError.write(MigrationView.summary(migration)) }
        MigrationView.waves(Self.changes(in: migration, since: last))
            .print(format, heading: last == nil)
        if let last, last.state != migration.state {
            StandardError.write("the migration is \(migration.state.rawValue)\n")
        }
    }

    /// The migration with only those waves that aren't as they were.
    static func changes(
        in migration: Migration, since last: Migration?
    ) -> Migration {
        var copy = migration
        copy.waves = migration.waves.filter { wave in
            last?.waves.first { $0.number == wave.number } != wave
        }
        return copy
    }

    /// The migration with as many waves as a terminal has room for, from shortly before the first
    /// that has work left.
    static func window(_ migration: Migration, rows: Int) -> Migration {
        guard migration.waves.count > rows, rows > 0 else { return migration }
        let open = migration.waves.firstIndex { $0.state.isOpen }
        let start = min(max(0, (open ?? 0) - 2), migration.waves.count - rows)
        var copy = migration
        copy.waves = Array(migration.waves[start..<(start + rows)])
        return copy
    }

    private static var terminalRows: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 8 else { return 24 }
        return Int(size.ws_row)
    }
}
