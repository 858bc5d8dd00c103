/// How far something is, on stderr: a bar on a terminal, a last line elsewhere.
final class ProgressBar {
    private let total: Int?
    private let isTerminal = StandardError.isTerminal
    private var last = ""

    private static let width = 30

    /// - Parameter total: octets to come, where it's known.
    init(total: Int?) {
        self.total = total
    }

    func update(bytes: Int, text: String) {
        guard isTerminal else { return }
        draw(bar(bytes) + text)
    }

    /// Writes a line above the bar.
    func interrupt(_ line: String) {
        guard isTerminal, !last.isEmpty else { return StandardError.write(line) }
        StandardError.write("\r\u{1B}[K" + line + last)
    }

    func finish(_ text: String) {
        if isTerminal, !last.isEmpty { StandardError.write("\r\u{1B}[K") }
        last = ""
        StandardError.write(text + "\n")
    }

    private func draw(_ line: String) {
        last = line
        StandardError.write("\r\u{1B}[K" + line)
    }

    private func bar(_ bytes: Int) -> String {
        guard let total, total > 0 else { return "" }
        let part = min(1, Double(bytes) / Double(total))
        let done = Int(part * Double(Self.width))
        let bar =
            String(repeating: "#", count: done) + String(repeating: ".", count: Self.width - done)
        return "[\(bar)] \(Int(part * 100)) %  "
    }
}
