import RegistryAPI
import RegistryModel

/// What a run has to do, decided from the migration's state alone.
struct RunSchedule: Equatable {
    struct Item: Equatable {
        var number: Int
        /// Domains in the wave.
        var size: Int
        var start: Start
    }

    /// Where a wave is taken up.
    enum Start: Equatable {
        case freeze
        /// Somebody has announced it.
        case announced
        /// The migration has no freeze.
        case cutOver
        /// Somebody froze it; until then it's ours to move.
        case frozen(until: Timestamp?)
    }

    /// Waves to move, in order.
    let items: [Item]
    /// Waves that were asked for and can't or needn't move any more, with their states.
    let passedOver: [String]

    enum Refusal: Error, Equatable, CustomStringConvertible {
        case unknownWave(Int, of: Int)
        case closed(String)
        case begun([String])

        var description: String {
            switch self {
            case .unknownWave(let number, let count):
                "the migration has \(MigrationView.count(count, "wave")), and no \(number)"
            case .closed(let state): "the migration is \(state)"
            case .begun(let states):
                "\(states.joined(separator: ", ")) already: pass --resume to go on with the rest"
            }
        }
    }

    /// - Parameters:
    ///   - only: the waves that were asked for; empty: all.
    ///   - isResuming: whether waves may have begun.
    init(_ migration: Migration, only: [Int], isResuming: Bool) throws(Refusal) {
        guard MigrationWatch.isOpen(migration) else { throw .closed(migration.state.rawValue) }
        for number in only where !migration.waves.contains(where: { $0.number == number }) {
            throw .unknownWave(number, of: migration.waves.count)
        }
        let waves = migration.waves.filter { only.isEmpty || only.contains($0.number) }
        let begun = waves.filter { $0.state != .planned }
        guard isResuming || begun.isEmpty else { throw .begun(begun.map(Self.words)) }

        items = waves.compactMap { wave in
            switch wave.state {
            case .planned:
                Item(
                    number: wave.number, size: wave.size,
                    start: migration.freeze == .none ? .cutOver : .freeze)
            case .announced: Item(number: wave.number, size: wave.size, start: .announced)
            case .frozen:
                Item(number: wave.number, size: wave.size, start: .frozen(until: wave.deadline))
            default: nil
            }
        }
        passedOver = begun.filter { !$0.state.isOpen }.map(Self.words)
    }

    /// Domains in these waves.
    var size: Int { items.reduce(0) { $0 + $1.size } }

    private static func words(_ wave: Wave) -> String {
        "wave \(wave.number) is \(wave.state == .rolledBack ? "rolled back" : wave.state.rawValue)"
    }
}

/// How a run goes about its waves.
struct RunSettings {
    /// Between a wave and the next.
    var pause = TimeSpan(seconds: 0)
    /// Between a cutover and the check.
    var bake = TimeSpan(seconds: 0)
    /// Of each freeze.
    var deadline = TimeSpan(seconds: 900)
    /// Run by `sh -c` before each cutover; its failure stops the run, and thaws.
    var beforeCutover: String?
    /// Run by `sh -c` after each wave; its failure stops the run.
    var check: String?
    /// Whether a wave whose check failed is rolled back.
    var rollsBack = false
    /// How long freeze, cutover and rollback wait for the agents; nil: they don't.
    var waitSeconds: Int?
    /// Whether waves are announced, and move only when no agent lets a write through.
    var isSafe = false
    var overrideReason: String?
    var note = Note()

    /// What has to be written on a command line, for a shell, for the same settings again.
    var arguments: [String] {
        let plain = RunSettings()
        let options: [(name: String, value: String?)] = [
            ("--before-cutover", beforeCutover), ("--check", check),
            ("--on-failure", rollsBack ? "rollback" : nil),
            ("--pause", pause == plain.pause ? nil : pause.description),
            ("--bake", bake == plain.bake ? nil : bake.description),
            ("--deadline", deadline == plain.deadline ? nil : deadline.description),
            ("--override", overrideReason), ("--reason", note.reason), ("--ticket", note.ticket),
        ]
        let written = options.compactMap { name, value in
            value.map { "\(name)=\(ShellCommand.quoted($0))" }
        }
        return written + (isSafe ? ["--safe"] : [])
            + (waitSeconds.map { ["--wait-converged --timeout=\($0)s"] } ?? [])
    }
}
