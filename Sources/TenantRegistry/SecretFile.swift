import Foundation

/// A file with a secret in it, or what a shell puts in its place: `/dev/stdin`, `<(command)`. Foundation reads a text of a file by its
/// size, which those haven't.
enum SecretFile {
    /// Any file of a secret is shorter.
    private static let longest = 1 << 16

    /// - Returns: nil where it can't be read.
    static func bytes(of path: String) -> Data? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        var bytes = Data()
        do {
            while bytes.count < longest,
                let more = try handle.read(upToCount: longest - bytes.count), !more.isEmpty
            {
                bytes += more
            }
        } catch {
            return nil
        }
        return bytes
    }

    /// - Returns: nil where it can't be read, or isn't UTF-8.
    static func text(of path: String) -> String? {
        bytes(of: path).flatMap { String(data: $0, encoding: .utf8) }
    }
}
