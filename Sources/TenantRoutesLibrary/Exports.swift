import CTenantRoutes

#if canImport(SharedRoutes)
    import SharedRoutes
#endif

// The functions of tenantroutes.h. Null pointers, which a C program may send, get an answer too.

@c(tr_open)
public func open(
    _ path: UnsafePointer<CChar>?, _ routes: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let path, let routes else { return Int32(TR_ABSENT) }
    switch RoutesHandle.open(path) {
    case .absent: return Int32(TR_ABSENT)
    case .invalid: return Int32(TR_INVALID)
    case .version: return Int32(TR_VERSION)
    case .open(let handle):
        guard let box = handle.boxed() else {
            handle.close()
            return Int32(TR_ABSENT)
        }
        routes.pointee = OpaquePointer(box)
        return Int32(TR_OK)
    }
}

@c(tr_find)
public func find(
    _ routes: OpaquePointer?, _ host: UnsafePointer<CChar>?, _ count: Int,
    _ answer: UnsafeMutablePointer<tr_answer>?
) -> Int32 {
    guard let routes, let host, let answer, count >= 0 else { return Int32(TR_UNKNOWN) }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
        guard let name = room.baseAddress, let length = HostName.read(host, count, into: name)
        else {
            return Int32(TR_UNKNOWN)
        }
        return RoutesHandle.at(UnsafeMutableRawPointer(routes)).reading { view in
            switch view.find(name, length) {
            case .unknown: return Int32(TR_UNKNOWN)
            case .notReady: return Int32(TR_NOT_READY)
            case .found(let found):
                copy(found, of: view, to: answer)
                return Int32(TR_FOUND)
            }
        }
    }
}

@c(tr_status)
public func status(_ routes: OpaquePointer?, _ state: UnsafeMutablePointer<tr_state>?) -> Int32 {
    guard let routes, let state else { return Int32(TR_NOT_READY) }
    return RoutesHandle.at(UnsafeMutableRawPointer(routes)).reading { view in
        guard view.isReadable, let sum = view.sum() else { return Int32(TR_NOT_READY) }
        state.pointee.revision = sum.revision
        state.pointee.domains = sum.domains
        let heardAt = view.word(at: RoutesFormat.Field.heardAt)
        let now = RoutesHandle.now()
        state.pointee.heard_ms = now > heardAt ? now &- heardAt : 0
        let epoch = RoutesFormat.Field.epoch
        let length = Int(view.base.load(fromByteOffset: epoch, as: UInt8.self))
        copy(
            view.base + (epoch + 1), min(length, RoutesFormat.Field.epochSize - 1),
            to: tr_system_epoch(state))
        return Int32(TR_OK)
    }
}

@c(tr_close)
public func close(_ routes: OpaquePointer?) {
    guard let routes else { return }
    let box = UnsafeMutableRawPointer(routes)
    RoutesHandle.at(box).close()
    free(box)
}

/// A text with NUL behind it.
private func copy(_ text: UnsafeRawPointer, _ count: Int, to place: UnsafeMutablePointer<CChar>?) {
    guard let place else { return }
    UnsafeMutableRawPointer(place).copyMemory(from: text, byteCount: count)
    place[count] = 0
}

private func copy(
    _ found: RoutesView.Answer, of view: RoutesView, to answer: UnsafeMutablePointer<tr_answer>
) {
    let (mode, isFenced) = found.effective(in: view)
    answer.pointee.revision = found.revision
    answer.pointee.mode = mode
    answer.pointee.fenced = isFenced ? 1 : 0
    copy(view.base + found.locationStart, found.locationCount, to: tr_system_location(answer))
    copy(view.base + found.upstreamStart, found.upstreamCount, to: tr_system_upstream(answer))
}
