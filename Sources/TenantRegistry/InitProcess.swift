import Foundation

/// What process 1 of a container owes the others: it takes in those whose parents have ended, and nobody else can
/// clear them away. The kernel keeps from it every signal that it has no handler for.
///
/// So a service that is started as process 1 doesn't do its work there: it starts itself anew as a child, which is a
/// process like any other, hands signals on to it, clears away whoever ends, and ends as the child does. Waiting for
/// everybody within the service itself would take the ends of its own commands from those that wait for them.
enum InitProcess {
    /// Commands that run for days. What ends by itself takes its orphans with it.
    private static let services: Set<String> = ["serve", "agent"]

    /// Returns at once in any other process. Before any thread is started: they'd take the signals.
    static func stepAside() {
        let arguments = CommandLine.arguments
        guard getpid() == 1, arguments.count > 1, services.contains(arguments[1]) else { return }
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        guard let child = start(arguments, signals: before) else {
            pthread_sigmask(SIG_SETMASK, &before, nil)
            return
        }
        forgetArguments()
        while true {
            var information = siginfo_t()
            let signal = sigwaitinfo(&all, &information)
            if signal == SIGCHLD {
                clearAway(endingWith: child)
            } else if signal > 0, isForChild(information) {
                kill(child, signal)
            }
        }
    }

    private static func start(_ arguments: [String], signals: sigset_t) -> pid_t? {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = signals
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        // By its path, for that is what others see of it.
        let link = "/proc/self/exe"
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? link
        var child = pid_t()
        for file in [path, link] {
            if posix_spawn(&child, file, nil, &attributes, words, environ) == 0 { return child }
        }
        return nil
    }

    /// What a terminal sends, it has sent to the child as well: it's in the same group.
    private static func isForChild(_ information: siginfo_t) -> Bool { information.si_code <= 0 }

    /// Who ends while a signal of this kind waits makes no second one: all that there are.
    private static func clearAway(endingWith child: pid_t) {
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            if pid == child {
                let signal = status & 0x7F
                _exit(signal == 0 ? (status >> 8) & 0xFF : 128 + signal)
            }
            guard pid > 0 || pid == -1 && errno == EINTR else { return }
        }
    }

    /// The list of processes shows them. What is secret among them, the child hides for itself.
    private static func forgetArguments() {
        for index in 2..<max(2, Int(CommandLine.argc)) {
            guard let text = CommandLine.unsafeArgv[index] else { continue }
            memset(text, 0, strlen(text))
        }
    }
}
