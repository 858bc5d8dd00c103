import Logging
import Metrics
import NIOSSL
import RegistryAPI
import RegistryModel
import RegistryService
import ServiceLifecycle

/// Tells receivers of revisions, one after the other.
///
/// Of several nodes the one with the duty does it. Twice a second it looks whether the log has gone on, in memory; a
/// webhook for which it may have gets a task that delivers until nothing is left, or the receiver fails.
public struct WebhookDeliveries: Service {
    private let service: RegistryService
    private let way: Receiver.Way
    private let interval: Duration
    private let logger: Logger
    private let agenda = DeliveryAgenda()
    private let metrics: DeliveryMetrics

    /// How many revisions are given up at once, before that is written down.
    private static let givenUpAtOnce = 1_000

    init(
        _ service: RegistryService, _ way: Receiver.Way,
        every interval: Duration = .milliseconds(500), logger: Logger,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.service = service
        self.way = way
        self.interval = interval
        self.logger = logger
        self.metrics = DeliveryMetrics(metrics)
    }

    public func run() async throws {
        // What is cut off by a stop is sent again by the next start.
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for record in await due() {
                        group.addTask { await deliver(to: record) }
                    }
                    try? await Task.sleep(for: interval)
                }
                group.cancelAll()
            }
        }
    }

    /// Webhooks that may have to be told something. Each has to be delivered to then.
    func due() async -> [WebhookRecord] {
        let changes = service.state.webhookChanges
        guard service.isOnDuty, let head = try? service.position().revision else {
            agenda.forget()
            metrics.rest()
            await learn(changes)
            return []
        }
        if agenda.isOutdated(changes) {
            do throws(RegistryError) {
                let read = try await service.webhooks(after: nil, limit: Webhook.maximumCount)
                agenda.take(read.value.items.map(\.record), changes)
                metrics.note(read.value.items, changes, at: service.time)
            } catch {
                logger.warning(
                    "looking for webhooks was put off", metadata: ["error": "\(error)"])
                return []
            }
        }
        return agenda.begin(at: head, service.time)
    }

    /// Which webhooks there are, where another node delivers: what this one may have to count tomorrow is 0 today.
    private func learn(_ changes: Int) async {
        guard metrics.isOutdated(changes), (try? service.position()) != nil,
            let read = try? await service.webhooks(after: nil, limit: Webhook.maximumCount)
        else { return }
        metrics.know(read.value.items, changes)
    }

    /// Until nothing is left, the receiver fails, or somebody else has to.
    func deliver(to given: WebhookRecord) async {
        let name = given.webhook.name
        var receiver = Receiver(given.webhook.settings.url, way)
        var record: WebhookRecord? = given
        var settled: Revision?
        do throws(RegistryError) {
            while let current = record, settled == nil, service.isOnDuty, !Task.isCancelled {
                let head = try service.position().revision
                let notice = try await service.store.notice(
                    after: current.progress.through, of: current.webhook.settings.actions)
                guard let notice else {
                    settled = head
                    break
                }
                let progress = await attempt(notice, current, &receiver)
                guard let progress else { break }
                let isWritten = try await service.store.note(progress, of: current)
                record = isWritten ? current.with(progress) : nil
                // It waits for its next attempt, or for an admin.
                guard progress.failure == nil, progress.disabledAt == nil else { break }
            }
        } catch {
            record = nil
            logger.warning(
                "delivering to a webhook was put off",
                metadata: ["webhook": "\(name)", "error": "\(error)"])
        }
        await receiver.close()
        agenda.end(name, record, settled: settled)
    }

    /// - Returns: how far the webhook is then; nil where the service stops, and nobody knows what became of it.
    private func attempt(
        _ notice: WebhookNotice, _ record: WebhookRecord, _ receiver: inout Receiver
    ) async -> WebhookProgress? {
        let body = WebhookEvent(notice).json
        let signature = WebhookSignature(
            of: body, id: notice.id(for: record.webhook.name), at: service.time,
            record.keys.secrets(at: service.time))
        let answer = await receiver.send(body, signature, at: service.time)
        let now = service.time
        var progress = record.progress
        switch answer {
        case .taken:
            progress.through = notice.header.revision
            progress.delivered = .init(notice.header.revision, at: now)
            progress.failure = nil
            metrics.add(.delivered, record.webhook.name)
            if record.progress.failure != nil {
                log(.notice, "a webhook's receiver takes deliveries again", notice, record)
            }
        case .gone:
            progress.disabledAt = now
            progress.failure = nil
            metrics.add(.disabled, record.webhook.name)
            log(.warning, "a webhook's receiver wants no more deliveries", notice, record)
        case .failed(let why, let retryAfter):
            // A stop cuts requests off: that's no failure of the receiver's.
            guard !Task.isCancelled else { return nil }
            let attempts = (progress.failure?.attempts ?? 0) + 1
            let wait = RetrySchedule.wait(after: attempts, asked: retryAfter)
            progress.failure = .init(
                since: progress.failure?.since ?? now, at: now, attempts: attempts,
                retryAt: now.adding(wait), error: Self.printable(why))
            metrics.add(.failed, record.webhook.name)
            log(
                .warning, "a webhook couldn't be delivered", notice, record,
                ["error": "\(why)", "attempts": "\(attempts)"])
            await giveUp(notice, record, &progress)
        }
        return progress
    }

    /// Lets go of revisions that nobody took for too long, so that there is an end to what waits.
    private func giveUp(
        _ failed: WebhookNotice, _ record: WebhookRecord, _ progress: inout WebhookProgress
    ) async {
        guard var failure = progress.failure else { return }
        var candidate: WebhookNotice? = failed
        var count = 0
        while let notice = candidate, count < Self.givenUpAtOnce,
            RetrySchedule.isOver(notice.header, failure)
        {
            count += 1
            progress.through = notice.header.revision
            log(.error, "a revision wasn't delivered to a webhook, and won't be", notice, record)
            candidate = try? await service.store.notice(
                after: progress.through, of: record.webhook.settings.actions)
        }
        guard count > 0 else { return }
        progress.givenUp += count
        failure.error = Self.printable(
            "revision \(progress.through) was given up after 3 days: \(failure.error)")
        progress.failure = failure
        metrics.add(.givenUp, record.webhook.name, count)
    }

    /// As every store keeps it.
    private static func printable(_ text: String) -> String {
        let scalars = PrintableText.line(text).unicodeScalars
            .prefix(WebhookProgress.maximumErrorLength)
        return scalars.isEmpty ? "no reason was given" : String(String.UnicodeScalarView(scalars))
    }

    private func log(
        _ level: Logger.Level, _ message: Logger.Message, _ notice: WebhookNotice,
        _ record: WebhookRecord, _ more: Logger.Metadata = [:]
    ) {
        let metadata: Logger.Metadata = [
            "webhook": "\(record.webhook.name)", "revision": "\(notice.header.revision)",
            // The rest of the URL may be a password.
            "receiver": "\(record.webhook.settings.url.origin)",
        ]
        logger.log(level: level, message, metadata: metadata.merging(more) { $1 })
    }
}

extension WebhookDeliveries {
    /// Deliveries over TLS, and where the service allows it to this machine.
    ///
    /// - Parameter tls: which authorities receivers' certificates may come from; nil: the system's.
    public init(_ service: RegistryService, tls: TLSConfiguration?, logger: Logger) {
        self.init(
            service, Receiver.Way(tls: tls, allowsPlain: service.allowsPlainWebhooks),
            logger: logger)
    }
}

extension WebhookRecord {
    fileprivate func with(_ progress: WebhookProgress) -> WebhookRecord {
        WebhookRecord(webhook, keys: keys, progress: progress)
    }
}
