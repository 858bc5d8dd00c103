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

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files of /proc, read without Foundation: they have no size, and a scrape is no place to be
/// slow.
enum ProcFile {
    static var ticksPerSecond: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

    /// In bytes.
    static var pageSize: Double { Double(sysconf(Int32(_SC_PAGESIZE))) }

    /// When the system started, in seconds since 1970.
    static var bootTime: Double? {
        text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst("btime ".count)) }
    }

    static var openDescriptors: Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        // Not counted: `.`, `..` and the descriptor that reads the folder.
        return max(entries - 3, 0)
    }

    static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
