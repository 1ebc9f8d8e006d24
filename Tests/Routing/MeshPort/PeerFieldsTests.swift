import Testing

@testable import Routing
@testable import Transport

private func fields(_ lines: String...) throws -> PeerFields {
    let text = (["POST / HTTP/1.1", "Host: m"] + lines + ["", ""]).joined(separator: "\r\n")
    return try Array(text.utf8).withUnsafeBytes { bytes in
        var head = HTTPHead(.request)
        guard try head.parse(bytes, limits: HTTPLimits()) else { throw PeerFieldError(reason: "no whole head") }
        return try PeerFields(head, in: bytes)
    }
}

@Suite struct PeerFieldsTests {
    @Test func whatANodeWrites() throws {
        let told = try fields(
            "Meshnode-Model: m", "Meshnode-Request-Id: r", "meshnode-user: u", "Meshnode-Admission: queue",
            "Meshnode-Priority: batch", "Meshnode-Tokens: prompt=1200; answer=64", "Meshnode-Deadline: 12.050",
            "Meshnode-Later: whatever", "Meshnode-Data-Class: a", "Meshnode-Data-Class: b")
        #expect(told.model == "m" && told.requestID == "r" && told.user == "u")
        #expect(told.mayQueue && told.priority == .batch)
        #expect(told.promptTokens == 1200 && told.answerTokens == 64)
        #expect(told.nanosecondsLeft == 12_050_000_000)
        #expect(try fields() == PeerFields())
    }

    @Test(arguments: [
        "Admission: maybe", "Admission: Queue", "Admission:", "Priority: urgent", "Priority: batch ,interactive",
        "Priority:",
        "Deadline: -1.000", "Deadline: 0.000", "Deadline: 86400.001", "Deadline: 86401.000", "Deadline: 5", "Deadline: 5.0",
        "Deadline: 1e3", "Deadline: nan", "Deadline: inf", "Deadline: 99999999999999999999.000", "Deadline: 1.0000",
        "Deadline: 1.-10", "Deadline:", "Deadline: 0x10.000", "Tokens: 12", "Tokens: prompt=-1; answer=2",
        "Tokens: prompt=1; answer=1000000001", "Tokens: prompt=99999999999999999999; answer=2", "Tokens: prompt=; answer=",
        "Tokens: prompt=1;answer=2", "Tokens: prompt=1; answer=2; more=3", "Tokens: answer=1; prompt=2",
    ])
    func absurdValuesAreRefused(_ line: String) {
        #expect(throws: PeerFieldError.self) { try fields("Meshnode-\(line)") }
    }

    @Test(arguments: [
        "Model: m", "Request-Id: r", "User: u", "Admission: queue", "Priority: batch", "Tokens: prompt=1; answer=2",
        "Deadline: 1.000", "Identity: x",
    ])
    func doubledFieldsAreRefused(_ line: String) {
        #expect(throws: Never.self) { try fields("Meshnode-\(line)") }
        #expect(throws: PeerFieldError.self) { try fields("Meshnode-\(line)", "MESHNODE-\(line)") }
    }

    @Test func namesAreBounded() {
        let long = String(repeating: "n", count: PeerFields.longestText)
        #expect(throws: Never.self) { try fields("Meshnode-User: \(long)") }
        for name in ["User", "Model", "Request-Id"] {
            #expect(throws: PeerFieldError.self) { try fields("Meshnode-\(name): \(long)x") }
        }
    }

    @Test(arguments: [
        (0, "0.001"), (1, "0.001"), (1_000_000, "0.001"), (1_000_001, "0.002"), (12_050_000_000, "12.050"),
        (86_400_000_000_000, "86400.000"), (UInt64.max - 1, "86400.000"),
    ])
    func whatIsLeftIsRoundedUpAndCanBeRead(_ left: UInt64, _ text: String) throws {
        #expect(PeerFields.secondsLeft(left, now: 0) == text)
        #expect(try fields("Meshnode-Deadline: \(text)").nanosecondsLeft != nil)
        #expect(PeerFields.secondsLeft(5, now: 500) == "0.001")
        #expect(PeerFields.secondsLeft(.max, now: 0) == nil)
    }

    @Test(arguments: [(Int.min, Int.max), (0, 0), (7, 1_000_000_000)]) func estimatesCanBeRead(_ prompt: Int, _ answer: Int)
        throws
    {
        let told = try fields("Meshnode-Tokens: \(PeerFields.tokens(prompt, answer))")
        #expect(told.promptTokens == max(prompt, 0) && told.answerTokens == min(answer, 1_000_000_000))
    }
}
