import DurableFiles

/// Where what a command writes goes. A file is there whole or, where the command fails, as it was.
struct OutputFile {
    /// Nil: standard output.
    private let file: DurableFile?

    /// - Parameter path: `-` for standard output.
    init(_ path: String) throws {
        do {
            file = path == "-" ? nil : try DurableFile(path, .kept(otherwise: 0o666))
        } catch {
            // Nothing was asked of the server yet.
            throw CommandFailure.usage(error.description)
        }
    }

    func write(_ bytes: [UInt8]) throws {
        guard let file else { return StandardOutput.write(bytes) }
        try attempt { () throws(FileFailure) in try file.write(bytes) }
    }

    func keep() throws {
        guard let file else { return }
        try attempt { () throws(FileFailure) in try file.keep() }
    }

    private func attempt(_ body: () throws(FileFailure) -> Void) throws {
        do throws(FileFailure) {
            try body()
        } catch {
            throw CommandFailure(error)
        }
    }
}
