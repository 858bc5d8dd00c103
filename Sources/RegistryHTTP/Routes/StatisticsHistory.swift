import RegistryAPI
import RegistryModel
import RegistryService

/// `GET /v1/stats/history`: how many domains each location had, for a chart.
struct StatisticsHistoryRoutes: Sendable {
    @Sendable func history(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let asked = CountHistoryQuery(
            step: query.choice("step", CountHistoryQuery.Step.self) ?? .day,
            since: query.time("since"), until: query.time("until"))
        if let since = asked.since, let until = asked.until, since > until {
            query.refuse("since", "conflict", "until is earlier")
        }
        try query.finish()
        let read = try await call.service.countHistory(asked)
        return .json(StatisticsHistory(items: read.value), at: read.revision).of(read.epoch)
    }
}
