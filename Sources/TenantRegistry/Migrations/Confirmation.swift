import Foundation

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
