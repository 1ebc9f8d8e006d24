/// Waits for bytes, and for room for them.
extension Stream {
    /// Waits until bytes may have come.
    func waitReadable() async throws(TransportError) {
        try checkOpen()
        while !canRead {
            if timedOutReading {
                timedOutReading = false
                throw TransportError.timedOut
            }
            precondition(readWaiter == nil, "two tasks read one stream")
            await withUnsafeContinuation { waiter in
                readWaiter = waiter
                rearm()
            }
            try checkOpen()
        }
        timedOutReading = false
    }

    /// Waits until bytes may be sent.
    func waitWritable() async throws(TransportError) {
        try checkOpen()
        writeDeadline = loop.now &+ writeTimeout
        while !canWrite {
            if timedOutWriting {
                timedOutWriting = false
                throw TransportError(.timedOut, "the peer took no data for \(writeTimeout / 1_000_000_000) s")
            }
            precondition(writeWaiter == nil, "two tasks write one stream")
            await withUnsafeContinuation { waiter in
                writeWaiter = waiter
                rearm()
            }
            try checkOpen()
        }
        timedOutWriting = false
    }

    /// Waits until either of two streams may have bytes, has failed, or its deadline has passed.
    ///
    /// What `fill` then does on each tells which. One task that owns two attempts needs no second task.
    public static func waitEither(_ first: Stream, _ second: Stream) async {
        precondition(first !== second && first.loop === second.loop)
        for stream in [first, second]
        where stream.canRead || stream.failure != nil || !stream.isOpen || !stream.input.isEmpty {
            return
        }
        await waitForNews(first, second)
    }

    /// The same, whatever was received before.
    static func waitForNews(_ first: Stream, _ second: Stream) async {
        for stream in [first, second] where stream.canRead || stream.failure != nil || !stream.isOpen { return }
        await withUnsafeContinuation { waiter in
            first.readWaiter = waiter
            second.readWaiter = waiter
            first.rival = second
            second.rival = first
            first.rearm()
            second.rearm()
        }
    }
}
