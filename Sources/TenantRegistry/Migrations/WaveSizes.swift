import ArgumentParser
import RegistryAPI
import RegistryClient

/// How a plan is cut into waves, as people write it: `5,10%,rest`.
struct WaveSizes: Equatable {
    let waves: [PlanRequest.Wave]

    /// - Throws: `ValidationError` that says which part is wrong.
    init(_ text: String) throws {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.filter { !$0.isWhitespace } }
        guard parts.count <= Self.most else {
            throw ValidationError("At most \(Self.most) waves are possible.")
        }
        waves = try parts.map(Self.wave)
        guard !waves.dropLast().contains(.rest) else {
            throw ValidationError("Nothing comes after rest: it takes all that is left.")
        }
    }

    private static let most = 1000

    private static func wave(_ part: String) throws -> PlanRequest.Wave {
        if part == "rest" { return .rest }
        if part.hasSuffix("%") {
            // `Double` also reads words and hexadecimals.
            let share = part.dropLast()
            guard share.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
                let percent = Double(share), percent > 0, percent <= 100
            else { throw ValidationError("\(part): a share is above 0% and at most 100%.") }
            return .percent(percent)
        }
        guard part.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(part), count > 0
        else {
            throw ValidationError(
                "\"\(part)\": a wave is a number of domains, a share such as 10%, or rest.")
        }
        return .count(count)
    }
}
