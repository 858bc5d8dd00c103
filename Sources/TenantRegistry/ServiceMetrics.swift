import Foundation
import Metrics
import PrometheusMetrics
import RegistryHTTP
import RegistryModel
import RegistryService
import SQLiteStore

extension PrometheusRegistry {
    /// The backend with this service's help texts and buckets.
    static func standard() -> PrometheusRegistry {
        PrometheusRegistry(
            help: [
                "http_requests_total": "Requests answered, by method, route and status.",
                "http_request_duration_seconds": "Time from a request's head to its answer.",
                "http_requests_shed_total":
                    "Requests refused because too much is under way, by what there was too much of.",
                "http_requests_under_way": "Requests that count against a bound, by kind.",
                "http_request_body_bytes": "Bytes of large request bodies in memory.",
                "registry_lookups_total": "Names looked up, by outcome.",
                "registry_commits_total": "Transactions committed; each holds a group of requests.",
                "registry_commit_group_size": "Requests that shared one commit.",
                "registry_commit_duration_seconds": "Time of a commit, its fsync included.",
                "registry_feed_readers":
                    "Followers connected, by kind: streams, and polls that wait.",
                "registry_feed_events_total": "Events with changes sent to streams.",
                "registry_feed_reads_total":
                    "Stretches of the feed read, by source: memory or store.",
                "registry_snapshots_total": "Snapshots and exports begun.",
                "registry_table_domains": "Domains in the routing table.",
                "registry_revision": "Revision of the routing table.",
                "registry_verification_revision": "How far the last verification has come.",
                "registry_verification_changes": "Changes that the last verification has checked.",
                "registry_verification_ok": "1 where the last verification found nothing, else 0.",
                "registry_verification_timestamp_seconds":
                    "When the last verification ended; 0 where none has since the start.",
                "registry_verification_interval_seconds":
                    "Time from one scheduled verification to the next; 0 where none are made.",
                "registry_backup_interval_seconds":
                    "Time from one scheduled backup to the next; 0 where none are made.",
                "registry_backup_timestamp_seconds":
                    "When the newest scheduled backup was begun; 0 where there is none.",
                "registry_backup_ok":
                    "1 where the last scheduled backup is there and sound, else 0.",
                "registry_backup_prune_ok":
                    "1 where the backups that were to go have gone, 0 where one can't be removed, or none are made.",
                "registry_backup_bytes": "Size of the last scheduled backup.",
                "registry_frozen_waves": "Waves that are frozen now.",
                "registry_freeze_spent_ratio":
                    "Of the frozen wave that is nearest to its deadline, the share of its time that is over.",
                "registry_ready": "What /readyz says: 1 where it's 200, else 0.",
                "registry_disk_free_bytes": "Room that is left in the data folder's file system.",
                "registry_disk_bytes": "Size of the data folder's file system.",
                "registry_agents": "Agents that count: known, and not evicted.",
                "registry_agents_waits": "Requests that wait for agents to have a revision.",
                "registry_agents_lagging": "Agents that count and are silent past their lease.",
                "registry_agents_ahead":
                    "Agents that have a revision of this epoch which the log hasn't: the store was put back.",
                "registry_agent_apply_duration_seconds":
                    "From the bytes of a change until an agent's table, and the file that it shares, have it.",
                "registry_log_lines_dropped_total":
                    "Log lines that were dropped: whoever reads the log was too slow, or gone.",
                "registry_log_ahead_seconds":
                    "How far the log's last stamp is ahead of the clock, 0 where it isn't.",
                "registry_wal_bytes": "Size of SQLite's write-ahead log.",
                "registry_store_silence_seconds":
                    "Time since the database was last heard of: how old answers are at most.",
                "registry_store_certificate_expiry_timestamp_seconds":
                    "Until when the certificate holds that the database showed; 0 where it showed none.",
                "registry_store_on_duty":
                    "1 where this node does the background work of all, else 0.",
                "registry_webhooks": "Webhooks, as the node that delivers sees them.",
                "registry_webhook_disabled":
                    "1 where the webhook's receiver has answered 410, that it wants no more, else 0.",
                "registry_webhook_deliveries_total":
                    "Attempts to deliver a revision to a webhook, and revisions that were given up, by result.",
                "registry_webhook_behind_revisions":
                    "Revisions that the webhook has yet to be told, counted up to 1,000.",
                "registry_webhook_waiting_seconds":
                    "Age of the oldest revision that the webhook has yet to be told; 0 where there is none.",
                "registry_webhook_failing_seconds":
                    "For how long the webhook's receiver has taken nothing that it was sent; 0 where it takes all.",
                "registry_commit_repeats_total":
                    "Commits that were tried again: a lost connection, or another transaction in the way.",
            ],
            buckets: [
                "registry_commit_group_size": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
                "registry_agent_apply_duration_seconds": [
                    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                    0.025,
                    0.1, 0.5, 2.5,
                ],
            ])
    }

    /// Values that are read when somebody asks.
    func observe(_ service: RegistryService, _ store: any Store, folder: URL, _ drain: DrainSignal)
    {
        let ready = Gauge(label: "registry_ready")
        let diskFree = Gauge(label: "registry_disk_free_bytes")
        let diskSize = Gauge(label: "registry_disk_bytes")
        let ahead = Gauge(label: "registry_log_ahead_seconds")
        let domains = Gauge(label: "registry_table_domains")
        let revision = Gauge(label: "registry_revision")
        let agents = Gauge(label: "registry_agents")
        let waits = Gauge(label: "registry_agents_waits")
        let lagging = Gauge(label: "registry_agents_lagging")
        let agentsAhead = Gauge(label: "registry_agents_ahead")
        let wal = (store as? SQLiteStore).map { (Gauge(label: "registry_wal_bytes"), $0) }
        let certificate = Gauge(label: "registry_store_certificate_expiry_timestamp_seconds")
        let shared = (store as? any SharedStore).map { store in
            (
                Gauge(label: "registry_store_silence_seconds"),
                Gauge(label: "registry_store_on_duty"), store
            )
        }
        register(collector: {
            ready.record(drain.isDraining || service.storeFlaw != nil ? 0 : 1)
            if let room = FileSystemRoom(of: folder) {
                diskFree.record(room.free)
                diskSize.record(room.size)
            }
            if let statistics = try? service.statistics() {
                domains.record(statistics.value.total)
                revision.record(statistics.revision.number)
            }
            let counts = service.agentCounts()
            agents.record(counts.agents)
            lagging.record(counts.silent)
            agentsAhead.record(service.agentsAhead())
            waits.record(service.agents.waits)
            ahead.record(service.logAhead / .seconds(1))
            if let (gauge, store) = wal { gauge.record(store.walBytes) }
            certificate.record((shared?.2.certificateEnd?.milliseconds ?? 0) / 1000)
            if let (silence, duty, store) = shared {
                silence.record(store.silence / .seconds(1))
                duty.record(store.isOnDuty ? 1 : 0)
            }
        })
    }
}

/// How large a file system is, and how much of it the service's user may still write, in bytes.
struct FileSystemRoom {
    let size: UInt64
    let free: UInt64

    /// `nil`: nobody can say.
    init?(of folder: URL) {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { return nil }
        let unit = UInt64(status.f_frsize)
        size = UInt64(status.f_blocks) * unit
        free = UInt64(status.f_bavail) * unit
    }
}
