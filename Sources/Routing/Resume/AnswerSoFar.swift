import Transport

/// What a client has of a streamed chat completion, so that another site can go on with it should it break.
///
/// The first site's events pass as they are. A later site's are made part of the same answer: they bear the first one's `id`, `created`
/// and `model`, do not name the role again, and their usage counts what went before. Held only for requests that ask for it
/// (`Mesh-Resume: continue`).
final class AnswerSoFar {
    /// Text kept of one answer, in bytes as it stands in JSON; a longer one is not gone on with.
    static let mostText = 1 << 20
    /// Sites that one answer goes on at, one after another, at most.
    static let mostContinuations = 3

    let plan: ResumePlan
    /// Events ready to be sent to the client.
    private(set) var output: [UInt8] = []
    /// Events with text of the answer that the client has, which is near the number of tokens.
    private(set) var tokens = 0
    /// `data: [DONE]` is among them.
    private(set) var isFinished = false
    /// The client has the head of an answer.
    var hasBegun = false
    /// How many sites have gone on with it.
    private(set) var continuations = 0

    private var observer = StreamObserver()
    private var text: [UInt8] = []
    /// The last events of `text` that were nothing but space.
    private var blankTokens = 0
    /// It has something that a prefix of text cannot say.
    private var isUnfit = false
    private var isWhole = false
    private var hasUsage = false
    private var identity: (id: [UInt8], created: [UInt8], model: [UInt8])?

    // Of the present site, when it is not the first.
    /// Tells the client where it goes on; nil once told.
    private var announcement: String?
    /// Tokens of the text that it was given.
    private var given = 0
    /// It is asked for the answer's end alone.
    private var givesEndOnly = false
    /// Of space that it was not given and may write again.
    private var seam = Seam([])

    init(_ plan: ResumePlan) { self.plan = plan }

    /// nil where the request's answer could not go on elsewhere.
    convenience init?(of body: UnsafeRawBufferPointer) {
        guard let plan = ResumePlan(body) else { return nil }
        self.init(plan)
    }

    var canGoOn: Bool { !isUnfit && !isFinished && continuations < Self.mostContinuations }

    /// All text has come: what is missing is the end alone.
    private var lacksEndOnly: Bool { isWhole || plan.limit.map { tokens >= $0 } ?? false }

    /// Nothing is missing but the last event.
    var lacksDoneOnly: Bool { isWhole && (hasUsage || !plan.wantsUsage) && !isFinished }

    /// What is to be changed in the request's body so that a site goes on behind what the client has.
    func splices(_ style: PrefixStyle) -> [BodySplice] {
        let kept = text.count - Seam.trailingSpace(text).bytes
        return plan.splices(
            text: Array(text[..<kept]), tokens: tokens - blankTokens, style: style, mostTokens: lacksEndOnly ? 1 : nil)
    }

    /// What comes now is of a site that goes on.
    func goesOn(at site: String) {
        let printable = String(site.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 })
        announcement = ": continued at site \(printable)\n\n"
        seam = Seam(Seam.trailingSpace(text).space)
        given = tokens - blankTokens
        givesEndOnly = lacksEndOnly
    }

    /// The client has something of the present site.
    var hasOfThisSite: Bool { isLater ? announcement == nil : hasBegun }

    /// A site that went on has sent its first event: another one will be another continuation.
    private func announce() {
        guard let announcement else { return }
        output += Array(announcement.utf8)
        self.announcement = nil
        continuations += 1
    }

    /// Empties the output once it was sent.
    func sent() {
        output.withUnsafeBytes { observer.observe($0) }
        output.removeAll(keepingCapacity: true)
    }

    /// What the client is told that it has, reasoning and the like counted too.
    var tokensDelivered: Int { observer.tokens }

    /// Takes whole events of a site: what of them is for the client is then in `output`.
    ///
    /// - Returns: why the rest is not; nil: all is well.
    func take(_ events: UnsafeRawBufferPointer) -> ToldFault? {
        var events = EventData(events)
        while let event = events.next() {
            if isFinished { return nil }
            guard let data = event.data else {
                if !event.isBlank { output.append(contentsOf: event.bytes) }
                continue
            }
            if data.elementsEqual("[DONE]".utf8) {
                if !isWhole, isLater {
                    return ToldFault(code: "upstream_truncated", message: "it was said to be done before its end")
                }
                announce()
                isFinished = true
                output.append(contentsOf: event.bytes)
                continue
            }
            guard !event.isSplit, let chunk = try? ChatChunk.scan(data) else {
                if isLater { return cannotGoOn("an event is not one of a chat completion") }
                isUnfit = true
                output.append(contentsOf: event.bytes)
                continue
            }
            if let error = chunk.error { return ToldFault(data, error: error) }
            if let fault = isLater ? takeLater(chunk, data) : takeFirst(chunk, data, event.bytes) { return fault }
        }
        return nil
    }

    private var isLater: Bool { announcement != nil || continuations > 0 }

    private func cannotGoOn(_ why: String) -> ToldFault {
        isUnfit = true
        return ToldFault(code: "continuation_unfit", message: why)
    }

    private func takeFirst(_ chunk: ChatChunk, _ data: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> ToldFault?
    {
        if identity == nil {
            func value(_ range: Range<Int>?) -> [UInt8] { range.map { Array(data[$0]) } ?? [] }
            identity = (value(chunk.id), value(chunk.created), value(chunk.model))
        }
        note(chunk, content: chunk.content.map { UnsafeRawBufferPointer(rebasing: data[$0]) })
        output.append(contentsOf: bytes)
        return nil
    }

    /// Remembers what the client gets.
    private func note(_ chunk: ChatChunk, content: UnsafeRawBufferPointer?) {
        if !chunk.isPlain { isUnfit = true }
        if chunk.finishReason != nil { isWhole = true }
        if chunk.usage.isThere, chunk.choices == 0 { hasUsage = true }
        guard let content, !content.isEmpty else { return }
        tokens += 1
        guard !isUnfit, text.count + content.count <= Self.mostText else {
            isUnfit = true
            text = []
            return
        }
        text.append(contentsOf: content)
        blankTokens = Seam.isSpace(content) ? blankTokens + 1 : 0
    }

    private func takeLater(_ chunk: ChatChunk, _ data: UnsafeRawBufferPointer) -> ToldFault? {
        guard chunk.isPlain else { return cannotGoOn("the server goes on with something else than text") }
        var content = chunk.content.map { Array(data[$0]) } ?? []
        let saysEnd = chunk.finishReason != nil && !isWhole
        if lacksEndOnly { content = [] } else { content = seam.join(content) }
        // What has nothing for the client: the role again, space that it has, the end again.
        guard !content.isEmpty || saysEnd || chunk.usage.isThere || (chunk.choices == 0 && chunk.delta == nil) else {
            return nil
        }
        announce()
        var splices: [BodySplice] = []
        if let identity {
            for (range, value) in [
                (chunk.id, identity.id), (chunk.created, identity.created), (chunk.model, identity.model),
            ] {
                if let range, !value.isEmpty { splices.append(BodySplice(range, value)) }
            }
        }
        if let delta = chunk.delta {
            splices.append(
                BodySplice(
                    delta, content.isEmpty ? Array("{}".utf8) : Array(#"{"content":""#.utf8) + content + Array(#""}"#.utf8)))
        }
        if let reason = chunk.finishReason {
            if !saysEnd {
                splices.append(BodySplice(reason, Array("null".utf8)))
            } else if givesEndOnly {
                splices.append(BodySplice(reason, Array(#""length""#.utf8)))
            }
        }
        splices += usage(chunk.usage, data)
        content.withUnsafeBytes { note(chunk, content: $0) }
        output += Array("data: ".utf8)
        output += splices.sorted { $0.range.lowerBound < $1.range.lowerBound }.made(in: data)
        output += Array("\n\n".utf8)
        return nil
    }

    /// The usage of the whole answer: what this site was given was written before, not asked.
    private func usage(_ usage: ChatChunk.Usage, _ data: UnsafeRawBufferPointer) -> [BodySplice] {
        func number(_ range: Range<Int>?) -> Int? {
            range.flatMap { Int(String(decoding: data[$0], as: UTF8.self)) }.map { Swift.min(Swift.max($0, 0), 1 << 40) }
        }
        let prompt = number(usage.promptTokens).map { max($0 - given, 0) }
        // The one token that has to be asked for where nothing but the end is missing is not the client's.
        let completion = number(usage.completionTokens).map { givesEndOnly ? tokens : given + $0 }
        var splices: [BodySplice] = []
        func put(_ range: Range<Int>?, _ value: Int?) {
            if let range, let value { splices.append(BodySplice(range, Array("\(value)".utf8))) }
        }
        put(usage.promptTokens, prompt)
        put(usage.completionTokens, completion)
        if let prompt, let completion { put(usage.totalTokens, prompt + completion) }
        return splices
    }
}
