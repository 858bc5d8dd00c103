import RegistryModel

/// The digest chain once more, written from its description and sharing nothing with the code under
/// test: netstrings, `~` for what is absent, and SHA-256 by the book.
struct IndependentDigest {
    private var input: [UInt8]

    /// The digest of the revision that `items`, in order, make up.
    static func after(_ previous: [UInt8], _ items: [HistoryItem]) -> [UInt8] {
        guard let header = items.first?.header else { return previous }
        var digest = IndependentDigest(input: previous)
        digest.add([
            header.epoch.text, "\(header.revision.number)", "\(header.at.milliseconds)",
            header.actor.token, header.actor.name, header.actor.role.rawValue, header.note.reason,
            header.note.ticket, header.requestID, header.migration, header.wave.map { "\($0)" },
            header.overrideReason, "\(items.count)",
        ])
        if header.allowsSplit { digest.add(["allow_split", "1"]) }
        for item in items { digest.add(columns(of: item.change)) }
        return SHA256ByTheBook.hash(digest.input)
    }

    private mutating func add(_ fields: [String?]) {
        for field in fields {
            if let field {
                input += Array("\(field.utf8.count):\(field),".utf8)
            } else {
                input += Array("~".utf8)
            }
        }
    }

    private static func columns(of change: Change) -> [String?] {
        let action: String? = change.action.rawValue
        switch change.subject {
        case .domain(let fqdn, let before, let after, let registeredAt):
            return [action, fqdn.text] + columns(of: before) + columns(of: after)
                + ["\(registeredAt.milliseconds)", nil, nil, nil]
        case .hold(let fqdn, let before, let after, let heldAt):
            return [action, fqdn.text] + Array(repeating: nil, count: 6)
                + ["\(heldAt.milliseconds)", nil, before.map(json), after.map(json)]
        case .location(let name, let before, let after):
            return [action, nil] + Array(repeating: nil, count: 7)
                + [name.text, before.map(json), after.map(json)]
        case .token(let id, let before, let after):
            return [action, nil] + Array(repeating: nil, count: 7)
                + [id, before.map(json), after.map(json)]
        case .migration(let id, let before, let after):
            return [action, nil] + Array(repeating: nil, count: 7)
                + [id, before.map(json), after.map(json)]
        case .webhook(let name, let before, let after):
            return [action, nil] + Array(repeating: nil, count: 7)
                + [name.text, before.map(json), after.map(json)]
        case .approval(let migration, let facts):
            return [action, nil] + Array(repeating: nil, count: 7) + [
                migration, nil, "{\"plan_digest\":\"\(facts.planDigest)\",\"wave\":\(facts.wave)}",
            ]
        }
    }

    private static func columns(of placement: Placement?) -> [String?] {
        [placement?.location.text, placement?.mode.rawValue, placement?.tenant]
            + (placement?.fence.map { ["fence", $0.rawValue] } ?? [])
    }

    /// Of tenants without characters that JSON escapes.
    private static func json(_ facts: HoldFacts) -> String {
        """
        {"allow_nested":\(facts.allowsNested),"allow_split":\(facts.allowsSplit),\
        "held_until":\(facts.heldUntil.milliseconds),"holder":"\(facts.holder)",\
        "location":"\(facts.location)","mode":"\(facts.mode.rawValue)",\
        \(facts.tenant.map { "\"tenant\":\"\($0)\"," } ?? "")"wants_location":\(facts.wantsLocation)}
        """
    }

    private static func json(_ settings: LocationSettings) -> String {
        """
        {"accepts_signups":\(settings.acceptsSignups),\
        "default_for_signups":\(settings.isDefaultForSignups),\
        "upstream":"\(settings.upstream.text)"}
        """
    }

    private static func json(_ facts: MigrationFacts) -> String {
        """
        {"freeze":"\(facts.freeze.rawValue)","from":"\(facts.from)","name":"\(facts.name)",\
        "plan_digest":"\(facts.planDigest)","state":"\(facts.state.rawValue)","to":"\(facts.to)",\
        "waves":[\(facts.waves.map(String.init).joined(separator: ","))]}
        """
    }

    /// Of URLs, whose slashes JSON needn't escape.
    private static func json(_ facts: WebhookFacts) -> String {
        let actions = facts.actions.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
        return
            "{\"actions\":[\(actions)],\"fingerprint\":\"\(facts.fingerprint)\",\"url\":\"\(facts.url)\"}"
    }

    private static func json(_ facts: TokenFacts) -> String {
        let expiry = facts.expiresAt.map { "\"expires_at\":\($0.milliseconds)," } ?? ""
        let name = facts.name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "{\(expiry)\"name\":\"\(name)\",\"role\":\"\(facts.role.rawValue)\"}"
    }
}

/// FIPS 180-4 §6.2.
enum SHA256ByTheBook {
    /// The first 32 bits of the fractional parts of `root` of the first `count` primes.
    private static func fractions(_ count: Int, power: Int) -> [UInt32] {
        var primes: [UInt64] = []
        var candidate: UInt64 = 2
        while primes.count < count {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { UInt32(truncatingIfNeeded: integerRoot($0, power: power)) }
    }

    /// The largest x with x^power <= prime · 2^(32 · power), by bisection in 128 bits and more.
    private static func integerRoot(_ prime: UInt64, power: Int) -> UInt64 {
        var (low, high): (UInt64, UInt64) = (0, 1 << 37)
        while low + 1 < high {
            let middle = (low + high) / 2
            if isAtMost(middle, power: power, prime: prime) { low = middle } else { high = middle }
        }
        return low
    }

    /// x^power <= prime · 2^(32 · power), where x < 2^37: x² fits 128 bits, x³ fits 111.
    private static func isAtMost(_ value: UInt64, power: Int, prime: UInt64) -> Bool {
        let product = (0..<power).reduce(UInt128(1)) { result, _ in result * UInt128(value) }
        return product <= UInt128(prime) << UInt128(32 * power)
    }

    private static let constants = fractions(64, power: 3)
    private static let initial = fractions(8, power: 2)

    static func hash(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        padded += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
        var state = initial
        for start in stride(from: 0, to: padded.count, by: 64) {
            state = compress(state, padded[start..<start + 64])
        }
        return state.flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) }
        }
    }

    private static func compress(_ state: [UInt32], _ block: ArraySlice<UInt8>) -> [UInt32] {
        func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
            word >> count | word << (32 - count)
        }
        let bytes = Array(block)
        var words = (0..<16).map { index in
            (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[index * 4 + $1]) }
        }
        for index in 16..<64 {
            let (early, late) = (words[index - 15], words[index - 2])
            let first = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)
            let second = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10)
            words.append(words[index - 16] &+ first &+ words[index - 7] &+ second)
        }
        var v = state
        for index in 0..<64 {
            let sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
            let first = v[7] &+ sum1 &+ choice &+ constants[index] &+ words[index]
            let sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            v = [first &+ sum0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
        }
        return zip(state, v).map { $0 &+ $1 }
    }
}
