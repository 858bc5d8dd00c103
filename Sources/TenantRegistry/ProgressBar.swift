import RegistryAPI
import RegistryModel
import Synchronization

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

/// How far a check is, on stderr: a bar on a terminal, what was checked at last elsewhere.
final class VerificationBar: Sendable {
    private struct State {
        var last: VerificationProgress?
        var shown = ContinuousClock.now - VerificationBar.interval
        /// Only ever used with the lock held.
        nonisolated(unsafe) var bar: ProgressBar?
    }

    private let state = Mutex(State())
    private let started = ContinuousClock.now

    private static let interval = Duration.milliseconds(100)

    /// On any thread.
    func update(_ progress: VerificationProgress) {
        state.withLock { state in
            state.last = progress
            let bar = state.bar ?? ProgressBar(total: Int(progress.head.number))
            state.bar = bar
            guard state.shown.duration(to: .now) >= Self.interval else { return }
            state.shown = .now
            bar.update(Int(progress.extent.revisions), text: Self.text(progress))
        }
    }

    func finish() {
        let seconds = started.duration(to: .now) / .seconds(1)
        state.withLock { state in
            guard let last = state.last else { return }
            state.bar?.finish("\(Self.text(last)) in \((seconds * 10).rounded() / 10) s")
        }
    }

    private static func text(_ progress: VerificationProgress) -> String {
        let extent = progress.extent
        return
            "\(extent.revisions) of \(progress.head) revisions, \(extent.changes) changes, \(extent.domains) domains checked"
    }
}

/// How many columns of a terminal a text takes: Chinese, Japanese and Korean characters take two, marks that stand
/// on another character none.
///
/// The C library knows it too, but only in a locale with UTF-8, which a container often hasn't.
enum TerminalWidth {
    static func of(_ text: String) -> Int {
        // ASCII is what nearly all cells are.
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    /// Spaces up to a column of `width`; none after a text that is wider.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - of(text)))
    }

    private static func of(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        // A sequence of emoji is drawn as one picture, and a pair of regional letters as a flag.
        let isPicture = scalars.contains { $0 == emojiVariation || $0.properties.isEmojiModifier }
        guard !isPicture, let first = scalars.first, !isRegional(first) else {
            return scalars.count == 1 ? 1 : 2
        }
        if scalars.contains(joiner), first.properties.isEmojiPresentation { return 2 }
        return scalars.reduce(0) { $0 + of($1) }
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .control: return 0
        case .format: return scalar == softHyphen ? 1 : 0
        default: break
        }
        // The vowels and finals of Hangul stand in the syllable that an initial has begun.
        if (0x1160...0x11FF).contains(scalar.value) { return 0 }
        return isWide(scalar.value) ? 2 : 1
    }

    private static let emojiVariation: Unicode.Scalar = "\u{FE0F}"
    private static let joiner: Unicode.Scalar = "\u{200D}"
    private static let softHyphen: Unicode.Scalar = "\u{AD}"

    private static func isRegional(_ scalar: Unicode.Scalar) -> Bool {
        (0x1F1E6...0x1F1FF).contains(scalar.value)
    }

    private static func isWide(_ value: UInt32) -> Bool {
        var (low, high) = (0, wide.count)
        while low < high {
            let middle = (low + high) / 2
            if wide[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < wide.count && wide[low].contains(value)
    }

    /// East_Asian_Width W and F of Unicode 14, UAX #11; what isn't assigned within is wide by default.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0,
        0x23F3...0x23F3, 0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F,
        0x2693...0x2693, 0x26A1...0x26A1, 0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5,
        0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA, 0x26F2...0x26F3, 0x26F5...0x26F5,
        0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B, 0x2728...0x2728,
        0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
        0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55,
        0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4C6, 0xA960...0xA97C,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x1B2FB, 0x1F004...0x1F004, 0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E,
        0x1F191...0x1F19A, 0x1F200...0x1F320, 0x1F32D...0x1F335, 0x1F337...0x1F37C,
        0x1F37E...0x1F393, 0x1F3A0...0x1F3CA, 0x1F3CF...0x1F3D3, 0x1F3E0...0x1F3F0,
        0x1F3F4...0x1F3F4, 0x1F3F8...0x1F43E, 0x1F440...0x1F440, 0x1F442...0x1F4FC,
        0x1F4FF...0x1F53D, 0x1F54B...0x1F54E, 0x1F550...0x1F567, 0x1F57A...0x1F57A,
        0x1F595...0x1F596, 0x1F5A4...0x1F5A4, 0x1F5FB...0x1F64F, 0x1F680...0x1F6C5,
        0x1F6CC...0x1F6CC, 0x1F6D0...0x1F6D2, 0x1F6D5...0x1F6DF, 0x1F6EB...0x1F6EC,
        0x1F6F4...0x1F6FC, 0x1F7E0...0x1F7F0, 0x1F90C...0x1F93A, 0x1F93C...0x1F945,
        0x1F947...0x1F9FF, 0x1FA70...0x1FAF6, 0x20000...0x3FFFD,
    ]
}
