import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// Which wave.
struct WaveOptions: ParsableArguments {
    @Argument(help: "The migration's id.") var id: String
    @Option(help: "The wave's number.") var wave: Int
}

/// What the caller takes the plan to be.
struct PlanOptions: ParsableArguments {
    @Option(
        help:
            "A reviewed plan, written by plan --write-plan: refuse where the service's is another. (default: trust the service's)"
    )
    var plan: String?

    @Option(help: "Set the guard on large waves aside, and why: admins only.")
    var override: String?

    /// - Throws: `CommandFailure` where the reviewed plan is another.
    func check(_ migration: Migration) throws {
        guard let plan else { return }
        try PlanFile(path: plan).check(against: migration)
    }
}

/// Whether to wait for the agents.
struct ConvergenceOptions: ParsableArguments {
    @Flag(help: "Wait until every live agent has applied it.") var waitConverged = false
    @Option(help: "How long --wait-converged waits at most, 0-300 s. (default: 30s)")
    var timeout: TimeSpan?

    func validate() throws {
        guard timeout == nil || waitConverged else {
            throw ValidationError("--timeout belongs to --wait-converged.")
        }
        guard timeout.map({ $0.seconds <= 300 }) ?? true else {
            throw ValidationError("--timeout: at most 300 seconds are possible.")
        }
    }

    /// Nil: don't.
    var seconds: Int? { waitConverged ? timeout?.seconds ?? 30 : nil }
}

/// The typed yes to what moves many.
struct ConfirmationOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Don't ask.") var yes = false
    @Option(help: "Ask where more domains than this are to move.") var confirmAbove = 100

    /// - Parameter what: what is about to be done, in a line.
    /// - Throws: `CommandFailure.usage` where nobody can be asked, `.failed` for another answer.
    func confirm(_ what: String, _ migration: Migration, domains: Int) throws {
        StandardError.write("\(what)\n\(MigrationView.summary(migration))")
        guard domains > confirmAbove, !yes else { return }
        try Confirmation.ask(
            for: migration.name, because: "\(domains) domains are more than \(confirmAbove)")
    }
}

/// Asks a person at a terminal, and nobody else.
enum Confirmation {
    /// - Parameter name: what has to be typed.
    static func ask(for name: String, because reason: String) throws {
        guard isatty(STDIN_FILENO) == 1, StandardError.isTerminal else {
            throw CommandFailure.usage(
                "\(reason), and there's no terminal to ask at: pass --yes to go on")
        }
        StandardError.write(
            "\(reason). Type the migration's name, \(Listing.printable(name)), to go on: ")
        guard readLine()?.trimmingCharacters(in: .whitespaces) == name else {
            throw CommandFailure.failed("that isn't its name: nothing was done")
        }
    }
}
