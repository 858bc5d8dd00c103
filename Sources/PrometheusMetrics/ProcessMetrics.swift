import Foundation

/// What Linux says of the process, under the names that Prometheus' own clients use.
enum ProcessMetrics {
    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    /// Writes nothing where `/proc` isn't there.
    static func render(into text: inout String) {
        // The second field is the program's name in brackets, and may hold spaces.
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let bracket = stat.lastIndex(of: ")")
        else { return }
        let fields = stat[stat.index(after: bracket)...].split(separator: " ")
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let started = Double(fields[19]), let pages = Int(fields[21])
        else { return }

        gauge("process_resident_memory_bytes", "Resident memory.", "\(pages * pageBytes)", into: &text)
        let cpu = MetricNumber.text((user + system) / ticksPerSecond)
        gauge(
            "process_cpu_seconds_total", "User and system CPU time.", cpu, kind: "counter", into: &text)
        if let boot = bootTime() {
            let start = MetricNumber.text(boot + started / ticksPerSecond)
            gauge("process_start_time_seconds", "Start, since 1970.", start, into: &text)
        }
        if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            gauge("process_open_fds", "Open file descriptors.", "\(descriptors.count)", into: &text)
        }
    }

    private static func bootTime() -> Double? {
        let stat = try? String(contentsOfFile: "/proc/stat", encoding: .utf8)
        let line = stat?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }

    private static func gauge(
        _ name: String, _ help: String, _ value: String, kind: String = "gauge",
        into text: inout String
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
    }
}
