/// How far something is, on stderr: a bar on a terminal, a last line elsewhere.
final class ProgressBar {
    private let total: Int?
    private let isTerminal = StandardError.isTerminal
    private var last = ""

    private static let width = 30

    /// - Parameter total: bytes or domains to come, where it's known.
    init(total: Int?) {
        self.total = total
    }

    func update(_ done: Int, text: String) {
        guard isTerminal else { return }
        draw(bar(done) + text)
    }

    /// Writes a line above the bar.
    func interrupt(_ line: String) {
        guard isTerminal, !last.isEmpty else { return StandardError.write(line) }
        StandardError.redraw(line + last)
    }

    /// Makes room for a line on stdout, which may be the same terminal.
    func clear() {
        if isTerminal, !last.isEmpty { StandardError.redraw("") }
        last = ""
    }

    func finish(_ text: String) {
        clear()
        StandardError.write(text + "\n")
    }

    private func draw(_ line: String) {
        last = line
        StandardError.redraw(line)
    }

    private func bar(_ count: Int) -> String {
        guard let total, total > 0 else { return "" }
        let part = min(1, Double(count) / Double(total))
        let done = Int(part * Double(Self.width))
        let bar =
            String(repeating: "#", count: done) + String(repeating: ".", count: Self.width - done)
        return "[\(bar)] \(Int(part * 100)) %  "
    }
}
