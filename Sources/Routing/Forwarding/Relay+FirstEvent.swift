import Transport

extension Relay {
    /// Keeps the head back until the first bytes of the stream have come: until then another site can be tried. They are in `scratch`.
    ///
    /// - Returns: nil when they have come.
    func holdFirstPart() async -> Attempt? {
        do throws(TransportError) {
            if let part = try await firstPart() {
                exchange.scratch.append(part)
                return nil
            }
            retract()
            return failed(TransportError(.endOfStream, "the stream ended before its first event"))
        } catch {
            retract()
            return failedWaiting(error)
        }
    }

    /// The first piece of a stream.
    func firstPart() async throws(TransportError) -> UnsafeRawBufferPointer? {
        guard let wait else { return try await source.nextBodyPart(deadline: nextDeadline) }
        var part: UnsafeRawBufferPointer?
        do throws(TransportError) { part = try await source.nextBodyPart(deadline: wait.deadline) } catch {
            if router.givesUp(error, wait, now: loop.now) { throw error }
            part = try await source.nextBodyPart(deadline: wait.last)
        }
        wait.ended(now: loop.now)
        return part
    }

    /// What becomes of a stream that fails before its first piece.
    func failedWaiting(_ error: TransportError) -> Attempt {
        guard error.code == .timedOut, let wait, !exchange.clientIsGone, loop.now < deadline else { return failed(error) }
        return .failed(router.givenUp(wait, site: site, now: loop.now))
    }

    /// Keeps the head back until the first event shows that there is an answer at all: so that an error told as an event becomes
    /// what it would be without a stream, and another site can be tried.
    ///
    /// - Returns: nil when the stream is good so far: what was read is in `scratch`.
    func holdFirstEvent(_ watch: StreamWatch, _ decorate: (HTTPExchange) -> Void) async -> Attempt? {
        var boundaries = EventBoundaryScanner()
        while true {
            do throws(TransportError) {
                guard let part = try await source.nextBodyPart(deadline: nextDeadline) else {
                    retract()
                    return failed(TransportError(.endOfStream, "the stream ended before its first event"))
                }
                exchange.scratch.append(part)
            } catch {
                retract()
                return failed(error)
            }
            let whole = boundaries.wholeEvents(exchange.scratch.readable)
            if whole == 0, exchange.scratch.count <= RelayLimits.heldEventBytes { continue }
            var first = watch
            _ = first.look(UnsafeRawBufferPointer(rebasing: exchange.scratch.readable[..<whole]))
            // Events without data, such as comments, are no reason to keep the client waiting.
            guard !first.sawData, let fault = first.fault else { return nil }
            exchange.scratch.removeAll()
            retract()
            guard let error = fault.error, let server else {
                return failed(TransportError(.endOfStream, fault.message))
            }
            return await FirstVerdict(error, retryAfterSeconds: nil, site: site)
                .carryOut(server, exchange, site: site, fields: decorate)
        }
    }
}
