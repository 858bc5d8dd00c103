import CTenantRoutes

/// A file of routes in this process's memory, and which file it is.
struct RoutesMapping {
    let view: RoutesView
    let device: UInt64
    let inode: UInt64

    enum Outcome {
        case mapped(RoutesMapping)
        case absent
        case invalid
        case version
    }

    static func map(_ path: UnsafePointer<CChar>) -> Outcome {
        let file = tr_system_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
        guard file >= 0 else { return .absent }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return .absent }
        guard tr_system_is_file(&status) != 0, status.st_size >= off_t(RoutesFormat.headerSize)
        else { return .invalid }
        let size = Int(status.st_size)
        guard let base = tr_system_map(file, size, PROT_READ),
            tr_system_is_mapped(base) != 0
        else { return .absent }
        var flaw = RoutesView.Flaw.none
        guard var view = RoutesView.open(UnsafeRawPointer(base), size: size, &flaw) else {
            munmap(base, size)
            return flaw == .version ? .version : .invalid
        }
        view.isOfOtherBoot = isOfOtherBoot(view)
        return .mapped(
            RoutesMapping(
                view: view, device: UInt64(status.st_dev), inode: UInt64(status.st_ino)))
    }

    func unmap() { munmap(UnsafeMutableRawPointer(mutating: view.base), view.size) }

    /// Whether the file says another start of the machine than this one. Where that can't be asked, in a chroot, it isn't.
    private static func isOfOtherBoot(_ view: RoutesView) -> Bool {
        let field = RoutesFormat.Field.boot
        let count = Int(view.base.load(fromByteOffset: field, as: UInt8.self))
        guard count == 36 else { return false }
        let file = tr_system_open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 36, alignment: 8) { bytes in
            guard let start = bytes.baseAddress, read(file, start, 36) == 36 else { return false }
            return memcmp(start, view.base + (field + 1), 36) != 0
        }
    }
}
