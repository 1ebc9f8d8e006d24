import Gossip
import Synchronization
import Testing

@testable import Routing
@testable import Transport

/// Streams that are asked for while their model is being started: what the client sees.
@Suite struct ColdStreamTests {
    /// One head, comments, one whole stream behind them, and the end.
    private func isWhole(_ text: String, site: Int) -> Bool {
        text.count(of: "HTTP/1.1 ") == 1 && text.hasPrefix("HTTP/1.1 200 OK\n") && text.count(of: "X-Entry: home\n") == 1
            && text.contains("\n: X-Mesh-Site: s\(site)\n: X-Mesh-Variant: ") && !text.contains("\nX-Mesh-Site: ")
            && text.count(of: "well") == 1 && text.count(of: "[DONE]") == 1 && !text.contains("\"error\"")
            && text.hasSuffix("0\n\n")
    }

    @Test(arguments: [false, true]) func aClientThatWaitsIsToldAndThenAnswered(resumes: Bool) async throws {
        let node = try await ColdNode([Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear(resumes: resumes) { node.set(.running) }
        #expect(isWhole(text, site: 0), "\(text)")
        #expect(text.contains(": waiting for m to start at site s0, expected in 5 s\n\n"))
    }

    /// What fails before it has brought anything is made good elsewhere, as it would be without a head that is out.
    @Test(arguments: [Answers.closes, Answers.closesAfterHead, Answers.whole, Answers.fails], [false, true])
    func aFailureBeforeTheFirstDataIsMadeGoodElsewhere(_ first: @escaping Answering, resumes: Bool) async throws {
        let node = try await ColdNode([first, Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear(resumes: resumes) { node.set(.running) }
        #expect(isWhole(text, site: 1), "\(text)")
    }

    @Test func whatNobodyMakesGoodIsAnErrorEvent() async throws {
        let node = try await ColdNode([Answers.closes, Answers.fails])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear { node.set(.running) }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && !text.contains("[DONE]"), "\(text)")
        #expect(text.contains(#""type":"mesh_stream_interrupted","param":null,"code":"mesh_upstream_failed""#))
        #expect(text.contains(#""site":"s1","tokensDelivered":0"#) && text.hasSuffix("0\n\n"))
    }

    /// A server's own refusal is the last word: no other site is asked, and the client reads it.
    @Test func aRefusalIsAnErrorEvent() async throws {
        let node = try await ColdNode([Answers.refuses, Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear { node.set(.running) }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && !text.contains("well") && !text.contains("[DONE]"), "\(text)")
        #expect(text.contains(#"data: {"error":{"message":"too \"hot\"","type":"mesh_stream_interrupted""#))
        #expect(text.contains(#""code":"invalid_value","site":"home","tokensDelivered":0,"status":400,"#))
        #expect(text.hasSuffix("0\n\n"))
    }

    /// But a prompt that is too long for one goes to another, and is refused where it is too long there too.
    @Test(arguments: [true, false]) func aPromptThatIsTooLongGoesOnceToAnother(fits: Bool) async throws {
        let node = try await ColdNode([Answers.findsTooLong, fits ? Answers.streams : Answers.findsTooLong])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear { node.set(.running) }
        if fits { return #expect(isWhole(text, site: 1), "\(text)") }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && !text.contains("[DONE]"), "\(text)")
        #expect(text.contains(#""code":"context_length_exceeded","site":"#) && text.contains(#""status":400,"#))
        #expect(text.hasSuffix("0\n\n"))
    }

    @Test func aStreamThatBreaksBehindCommentsGoesOnElsewhere() async throws {
        let node = try await ColdNode([Answers.breaks, Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear(resumes: true) { node.set(.running) }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && text.count(of: "[DONE]") == 1, "\(text)")
        #expect(text.contains("\n: X-Mesh-Site: s0\n") && text.contains(": continued at site s1\n"))
    }

    @Test(arguments: [nil, 5.0]) func theClientsPatienceEndsTheWait(eta: Double?) async throws {
        let node = try await ColdNode([Answers.streams], patience: 700)
        defer { node.stop() }
        node.set(.starting, eta: 1)
        // All of a sudden it takes longer than anyone waits.
        let text = await node.hear { node.set(.queued, eta: eta.map { $0 * 1e5 }) { if eta == nil { $0.state = .stopped } } }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && !text.contains("[DONE]"), "\(text)")
        #expect(text.contains(#""code":"model_not_running""#) && text.contains(#""status":503,"#))
        #expect(text.contains(eta == nil ? #""eta_seconds":null"# : #""eta_seconds":500000.0"#))
        #expect(text.hasSuffix("0\n\n"))
    }

    @Test func anOperatorsBlockEndsTheWait() async throws {
        let node = try await ColdNode([Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear {
            node.router.blocks.set([Block(id: "b", kind: .model, subject: "m", reason: "", by: "ops", at: 0)])
        }
        #expect(text.count(of: "HTTP/1.1 ") == 1 && !text.contains("[DONE]"), "\(text)")
        #expect(text.contains(#""code":"model_blocked","site":null,"tokensDelivered":0,"status":403,"#))
    }

    /// A request that comes while its model is being released, before the view tells, waits for what comes then.
    @Test(arguments: [false, true]) func whatIsBeingReleasedIsWaitedFor(stream: Bool) async throws {
        let node = try await ColdNode([stream ? Answers.streams : Answers.whole])
        defer { node.stop() }
        node.set(.running)
        #expect(node.models[0].gate.closeIfIdle())
        let text = await node.hear(stream: stream, waits: stream ? 2 : 0) {
            Task {
                if !stream {
                    for _ in 0..<3000 where node.models[0].gate.snapshot.statistics.refused[.closed] == nil {
                        try await Task.sleep(nanoseconds: 10_000_000)
                    }
                }
                node.models[0].gate.open()
                node.set(.running)
            }
        } meanwhile: {
            // The view tells a little later.
            for _ in 0..<3000 where node.models[0].gate.snapshot.statistics.refused[.closed] == nil {
                try? await Task.sleep(nanoseconds: 10_000_000)
            }
            if stream { node.set(.starting, eta: 5) }
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\n") && !text.contains("\"error\""), "\(text)")
        #expect(stream ? isWhole(text, site: 0) : text.contains("\nX-Mesh-Site: s0\n"))
        #expect(node.router.counters.failovers.load(ordering: .relaxed) == 0, "nobody has failed")
    }

    @Test func aClientThatGoesEndsTheWait() async throws {
        let node = try await ColdNode([Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        _ = await node.hear(waits: 1, leaves: true)
        let counters = node.router.counters
        // Only ends a hang.
        for _ in 0..<3000 where counters.clientsGone.load(ordering: .relaxed) == 0 {
            try await Task.sleep(nanoseconds: 10_000_000)
        }
        #expect(counters.clientsGone.load(ordering: .relaxed) == 1 && counters.failed.load(ordering: .relaxed) == 0)
    }

    /// Between the start and the first token there may be a silence too.
    @Test func signsOfLifeGoOnUntilThereIsData() async throws {
        let node = try await ColdNode([Answers.streamsLate])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear { node.set(.running) }
        #expect(isWhole(text, site: 0), "\(text)")
        #expect(text.contains("\n3\n:\n\n\n"))
    }

    /// What a peer says of its variant cannot become an event.
    @Test func nothingEndsACommentsLine() async throws {
        let node = try await ColdNode([Answers.streams])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        let text = await node.hear { node.set(.running) { $0.revision = .declared("r\n\ndata: [DONE]\r\n\r\nx") } }
        #expect(text.contains("revision=r  data: [DONE]    x; "), "\(text)")
        #expect(text.count(of: "\ndata: [DONE]") == 1)
    }

    @Test func anAnswerInOnePieceKeepsItsHead() async throws {
        let node = try await ColdNode([Answers.whole])
        defer { node.stop() }
        node.set(.starting, eta: 5)
        // As long as a stream would have been told three times.
        let text = await node.hear(stream: false, waits: 0) {
            Task {
                try await Task.sleep(nanoseconds: 100_000_000)
                node.set(.running)
            }
        }
        #expect(
            text.contains("X-Mesh-Site: s0\n") && text.hasSuffix(#"{"choices":[]}"#) && !text.contains(": waiting"),
            "\(text)")
    }

    /// 600 s are assumed, and never told.
    @Test func whatNobodyKnowsIsNotTold() async throws {
        let node = try await ColdNode([Answers.streams], patience: 60)
        defer { node.stop() }
        node.set(.starting)
        #expect(await node.hear(waits: 0).hasSuffix("model_not_running eta=null"))
        node.set(.starting, eta: 90)
        #expect(await node.hear(waits: 0).hasSuffix("model_not_running eta=90.0"))
        node.set(.starting) { $0.start = StartOffer(sites: [], seconds: 600, isGuess: true) }
        #expect(await node.hear(waits: 0).hasSuffix("model_not_running eta=null"))
    }
}
