/// A program that writes the token to its standard output: run without a shell, in bounds, and again when the token's life ends.
public final class TokenProgram: TokenOrigin {
    public let refusalPause: UInt64 = 10_000_000_000
    private let arguments: [String]
    private let lifeSeconds: Double
    private let limits: ProgramRun.Limits
    private let log: @Sendable (String) -> Void

    /// - Parameters:
    ///   - arguments: the program and its arguments; a name without a slash is searched for in PATH.
    ///   - lifeSeconds: how long a token holds.
    ///   - log: takes what the program says on standard error, line by line.
    public init(_ arguments: [String], lifeSeconds: Double, log: @escaping @Sendable (String) -> Void) {
        self.arguments = arguments
        self.lifeSeconds = lifeSeconds
        self.log = log
        limits = ProgramRun.Limits()
    }

    public func read(refused: String?) async throws(TokenFailure) -> TokenReading {
        let (arguments, limits) = (arguments, limits)
        let result = await onThread { () -> Result<ProgramRun.Output, TokenFailure> in
            do throws(TokenFailure) {
                return .success(try ProgramRun.run(arguments, limits: limits))
            } catch { return .failure(error) }
        }
        let program = arguments.first ?? ""
        switch result {
        case .failure(let failure): throw failure
        case .success(let output):
            let said = String(decoding: output.errors, as: UTF8.self)
            guard output.status == 0 else {
                tell(said, hiding: output.text)
                throw TokenFailure("\(program) ended with \(output.ending)")
            }
            let token = try BearerToken.trimmed(output.text, from: "the output of \(program)")
            tell(said, hiding: Array(token.utf8))
            let life = UInt64(lifeSeconds * 1e9)
            // A tenth ahead of its end, so that nobody has to wait for the next.
            return TokenReading(token: token, renewAfter: life - life / 10, expiresAfter: life)
        }
    }

    /// A program that failed has told no token to compare with: what is as long as one and of the same letters is not shown.
    private static func mayBeToken(_ word: Substring) -> Bool {
        word.utf8.count >= 32
            && word.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (48...57).contains(byte)
                    || "-._~+=".utf8.contains(byte)
            }
    }

    /// Passes on what a program said, without the token should it have said that too.
    private func tell(_ said: String, hiding secret: [UInt8]) {
        let words = String(decoding: secret, as: UTF8.self).split(whereSeparator: \.isWhitespace).filter {
            $0.utf8.count >= 8
        }
        for line in said.split(separator: "\n").prefix(20) {
            let holdsSecret =
                words.contains { line.contains($0) } || line.split(separator: " ").contains(where: Self.mayBeToken)
            log("\(arguments.first ?? ""): \(holdsSecret ? "(a line that holds the token)" : String(line.prefix(500)))")
        }
    }
}
