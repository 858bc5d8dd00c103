import RegistryModel
import Testing

@testable import Webhooks

@Suite("A signature") struct SignatureTests {
    /// The example that Standard Webhooks' libraries are tested with.
    private static let secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!
    private static let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private static let body = Array(#"{"test": 2432232314}"#.utf8)
    private static let time = Timestamp(milliseconds: 1_614_265_330_999)

    @Test func `is what the specification's example has`() {
        let signature = WebhookSignature(of: Self.body, id: Self.id, at: Self.time, [Self.secret])
        #expect(signature.timestamp == 1_614_265_330)
        #expect(signature.text == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func `stands once for each secret, the newest first`() {
        let other = WebhookSecret.random()
        let both = WebhookSignature(
            of: Self.body, id: Self.id, at: Self.time, [other, Self.secret])
        let parts = both.text.split(separator: " ")
        #expect(parts.count == 2)
        #expect(parts.last == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func `has an id of epoch, revision and webhook, without a full stop`() {
        let header = RevisionHeader(
            epoch: Epoch("k3m9q2x7w5a8"), revision: Revision(42), at: Self.time, actor: .system,
            note: Note(), requestID: "r")
        let notice = WebhookNotice(header, actions: [.moved], count: 0, names: [])
        let id = notice.id(for: WebhookName("ops-chat")!)
        #expect(id == "msg_k3m9q2x7w5a8_42_ops-chat" && !id.contains("."))
    }
}

@Suite("A webhook's secret") struct WebhookSecretTests {
    @Test func `is made of 32 random bytes, and read as it's written`() {
        let made = (0..<50).map { _ in WebhookSecret.random() }
        #expect(Set(made).count == 50)
        for secret in made {
            #expect(secret.bytes.count == 32)
            #expect(WebhookSecret(secret.text) == secret)
        }
    }

    @Test(arguments: [24, 25, 26, 63, 64])
    func `has 24 to 64 bytes`(count: Int) {
        let bytes = (0..<count).map { UInt8($0 * 5 & 0xFF) }
        #expect(WebhookSecret("whsec_" + Base64.text(bytes))?.bytes == bytes)
    }

    @Test(arguments: [
        "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
        "whsec_" + Base64.text(Array(repeating: 7, count: 23)),
        "whsec_" + Base64.text(Array(repeating: 7, count: 65)),
        "whsec_" + String(repeating: "A", count: 42) + "B=",
        "whsec_" + String(repeating: "A", count: 43),
        "whsec_" + String(repeating: "A", count: 40) + "====",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
    ])
    func `is no other text`(text: String) {
        #expect(WebhookSecret(text) == nil)
    }
}

@Suite("The next attempt") struct RetryScheduleTests {
    private static let start = Timestamp(milliseconds: 1_592_697_600_000)

    @Test func `comes twice as late each time, up to an hour`() {
        let waits = (1...20).map { RetrySchedule.wait(after: $0, asked: nil, chance: 0.5) }
        #expect(waits.prefix(4) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(waits.suffix(8).allSatisfy { $0 == .seconds(3_600) })
        for attempts in 1...11 {
            let least = RetrySchedule.wait(after: attempts, asked: nil, chance: 0)
            let most = RetrySchedule.wait(after: attempts, asked: nil, chance: 1)
            let base = Duration.seconds(1 << (attempts - 1))
            #expect(least == base * 8 / 10 && most == base * 12 / 10, "\(attempts)")
        }
        #expect(RetrySchedule.wait(after: 1_000, asked: nil, chance: 1) == .seconds(3_600))
    }

    @Test func `waits for what the receiver asks, up to an hour, and never less than else`() {
        #expect(RetrySchedule.wait(after: 1, asked: .seconds(30), chance: 0.5) == .seconds(30))
        #expect(RetrySchedule.wait(after: 7, asked: .seconds(30), chance: 0.5) == .seconds(64))
        #expect(
            RetrySchedule.wait(after: 1, asked: .seconds(86_400), chance: 0.5) == .seconds(3_600))
    }

    @Test func `isn't put off by a clock that was set back`() {
        let retryAt = Self.start.adding(.seconds(10))
        #expect(!RetrySchedule.isDue(retryAt, at: Self.start))
        #expect(RetrySchedule.isDue(retryAt, at: retryAt))
        #expect(RetrySchedule.isDue(retryAt, at: Self.start.adding(.seconds(-86_400))))
    }

    @Test func `is none once revision and failure are three days old`() {
        let header = RevisionHeader(
            epoch: Epoch("e"), revision: Revision(1), at: Self.start, actor: .system, note: Note(),
            requestID: "r")
        let days = Duration.seconds(3 * 86_400)
        let end = Self.start.adding(days)
        func failure(
            _ since: Timestamp, _ at: Timestamp, _ attempts: Int = RetrySchedule.leastAttempts
        ) -> WebhookProgress.Failure {
            .init(since: since, at: at, attempts: attempts, retryAt: at, error: "no")
        }
        #expect(RetrySchedule.isOver(header, failure(Self.start, end)))
        #expect(
            !RetrySchedule.isOver(header, failure(Self.start, end.adding(.milliseconds(-1)))))
        // A clock that was set forward has tried it some times only.
        #expect(
            !RetrySchedule.isOver(
                header, failure(Self.start, end, RetrySchedule.leastAttempts - 1)))
        // The registry was down for days: then each revision has its three days still.
        let later = Self.start.adding(days * 2)
        #expect(!RetrySchedule.isOver(header, failure(later, later.adding(.seconds(9)))))
    }

    @Test(
        arguments: [
            ("0", Duration.zero), ("120", .seconds(120)), ("99999999999", .seconds(1_000_000)),
            ("Sun, 21 Jun 2020 00:00:30 GMT", .seconds(30)),
            ("Sat, 20 Jun 2020 23:59:00 GMT", .zero), ("-1", nil), ("soon", nil),
            ("Sun, 21 Jun 2020 00:00:30", nil), ("Sun, 21 Juni 2020 00:00:30 GMT", nil),
            ("Sun, 99 Jun 2020 00:00:30 GMT", nil), ("", nil),
        ] as [(String, Duration?)])
    func `reads Retry-After, seconds or a date`(text: String, wait: Duration?) {
        let now = Timestamp(rfc3339: "2020-06-21T00:00:00Z")!
        #expect(RetryAfter.read(text, at: now) == wait)
    }
}
