/// Metrics of this process, read from /proc/self at each scrape.
///
/// A value that can't be read, say because no descriptor is left to open /proc with, is NaN.
struct ProcessMetrics: Sendable {
    private let startTime: Double
    private let residentMemory: GaugeCell
    private let openFiles: GaugeCell
    private let cpu: ReadCounterCell

    /// `nil`: this system has no /proc like Linux'.
    init?(in registry: PrometheusRegistry) {
        guard let status = ProcessStatus.current, let boot = ProcFile.bootTime else { return nil }
        startTime = boot + status.startedAfterBoot
        residentMemory = registry.cell(
            "process_resident_memory_bytes", [], help: "Resident memory size in bytes."
        ) { _ in GaugeCell() }
        openFiles = registry.cell(
            "process_open_fds", [], help: "Number of open file descriptors."
        ) { _ in GaugeCell() }
        cpu = registry.cell(
            "process_cpu_seconds_total", [], help: "User and system CPU time spent in seconds."
        ) { _ in ReadCounterCell() }
        let started = registry.cell(
            "process_start_time_seconds", [],
            help: "Start time of the process since the Unix epoch in seconds."
        ) { _ in GaugeCell() }
        started.set(startTime)
    }

    @Sendable func collect() {
        let status = ProcessStatus.current
        residentMemory.set(status?.residentBytes ?? .nan)
        cpu.set(status?.cpuSeconds ?? .nan)
        openFiles.set(ProcFile.openDescriptors.map { Double($0) } ?? .nan)
    }
}

/// What /proc/self/stat says.
struct ProcessStatus: Equatable {
    var cpuSeconds: Double
    var startedAfterBoot: Double
    var residentBytes: Double

    static var current: ProcessStatus? {
        ProcFile.text("/proc/self/stat").flatMap {
            ProcessStatus(
                stat: $0, ticksPerSecond: ProcFile.ticksPerSecond, pageSize: ProcFile.pageSize)
        }
    }

    /// - Parameter stat: the line, see proc_pid_stat(5).
    init?(stat: String, ticksPerSecond: Double, pageSize: Double) {
        // The second field is the program's name in parentheses, and may hold anything, spaces and
        // parentheses too. After it comes field 3.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[end...].dropFirst().split(separator: " ")
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22),
            let pages = field(24)
        else { return nil }
        cpuSeconds = (user + system) / ticksPerSecond
        startedAfterBoot = start / ticksPerSecond
        residentBytes = pages * pageSize
    }
}
