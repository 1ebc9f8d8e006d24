import CLinux
import Glibc
import FoundationEssentials
import Trust

/// `meshnode federation rollover start|status|switch|finish`: one root takes over from another.
enum RolloverCommand {
    private struct Context {
        let client: NodeClient
        let invocation: Invocation
        var rollover: RootRollover
        var answer: FederationAnswer
        var state: RolloverState { RolloverState(answer, next: rollover.new.map { Digest.hex($0.thumbprint) }) }

        init(_ invocation: Invocation) throws(CommandFailure) {
            self.invocation = invocation
            guard let directory = invocation.text(.directory) else {
                throw CommandFailure(
                    exitCode: 2, message: "federation rollover: --directory DIR is missing: the federation's folder")
            }
            client = try NodeClient(invocation)
            do throws(TrustError) {
                rollover = try RootRollover(directory: directory)
            } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
            answer = try FederationAnswer.fetch(client)
            guard answer.federation == rollover.federation else {
                throw CommandFailure(
                    exitCode: 1,
                    message: "the node is of \(answer.federation), the folder holds the federation \(rollover.federation)")
            }
        }

        /// The bundle that is in force, as it was said; nil where none was.
        var present: BundleStatement? {
            statements.compactMap { if case .bundle(let bundle) = $0.body { bundle } else { nil } }.first
        }

        var statements: [Statement] { answer.statements.compactMap { try? Statement(unverified: Array($0.utf8)) } }

        /// Hands statements to the node, which passes them on.
        func hand(_ tokens: [[UInt8]]) throws(CommandFailure) {
            guard !tokens.isEmpty else { return }
            let lines = tokens.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") + "\n"
            _ = try client.get("/mesh/federation/statements", method: "POST", json: Array(lines.utf8))
        }

        /// Waits until the state is `wanted`, some seconds at most.
        mutating func wait(for wanted: RolloverState.Phase) throws(CommandFailure) {
            let limit = mesh_monotonic_ns() + UInt64(invocation.number(.waitSeconds) ?? 30) * 1_000_000_000
            while state.phase != wanted, mesh_monotonic_ns() < limit {
                usleep(200_000)
                answer = try FederationAnswer.fetch(client)
            }
        }
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        var context = try Context(invocation)
        switch invocation.positional(CommandSpecification.rolloverPhase) ?? "" {
        case "start": try start(&context)
        case "status": break
        case "switch": try change(&context)
        case "finish": return try finish(&context)
        case let other:
            throw CommandFailure(
                exitCode: 2,
                message: "federation rollover: \(Quoting.excerpt(other)); allowed: start, status, switch, finish")
        }
        show(context)
    }

    // MARK: Phases

    private static func start(_ context: inout Context) throws(CommandFailure) {
        do throws(TrustError) {
            let key = try RootKeys.open(context.rollover, next: false, context.invocation)
            if context.rollover.new == nil {
                try context.rollover.makeRoot(
                    held: try RootKeys.held(context.invocation, .nextKeyURI),
                    passphrase: try RootKeys.newPassphrase(context.rollover, context.invocation))
            }
            guard context.state.phase == .widening else { return }
            let token = try context.rollover.bundleOfBoth(
                key: key, present: context.present, serial: context.answer.bundle.serial)
            if context.answer.bundle.roots.count < 2 { try handed(context, [token]) }
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        try context.wait(for: .widened)
    }

    private static func change(_ context: inout Context) throws(CommandFailure) {
        let state = context.state
        guard state.phase != .none, state.phase != .widening else {
            throw CommandFailure(exitCode: 1, message: "refused: \(state.advice)")
        }
        do throws(TrustError) {
            let old = try RootKeys.open(context.rollover, next: false, context.invocation)
            let new = try RootKeys.open(context.rollover, next: true, context.invocation)
            let issuer = try context.rollover.switchIssuer(key: new)
            let thumbprint = Digest.hex(issuer.certificate.thumbprint)
            try awaitAuthority(&context, thumbprint)
            if state.phase == .widened {
                let token = try context.rollover.bundleOfBoth(
                    key: old, present: context.present, serial: context.answer.bundle.serial,
                    renewBefore: FederationAuthority.currentSeconds())
                try handed(context, [token])
            }
            try handed(context, try RootRollover.renew(context.statements, by: issuer))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        try context.wait(for: .switched)
    }

    /// The asked node, where it is a registration authority, should have taken the new issuer over before all renew.
    private static func awaitAuthority(_ context: inout Context, _ thumbprint: String) throws(TrustError) {
        guard context.answer.own.issuer != nil else {
            Output.note(
                "put issuer.pem and issuer.key of the folder where the registration authorities' configurations look")
            return
        }
        let limit = mesh_monotonic_ns() + 5_000_000_000
        while context.answer.own.issuer != thumbprint, mesh_monotonic_ns() < limit {
            usleep(200_000)
            guard let fresh = try? FederationAnswer.fetch(context.client) else { continue }
            context.answer = fresh
        }
        guard context.answer.own.issuer == thumbprint else {
            throw TrustError(
                .file,
                "\(context.answer.own.site)/\(context.answer.own.node) still issues with another certificate: copy issuer.key, then issuer.pem, of the folder to where its configuration (trust.issuer) looks, and run this again"
            )
        }
    }

    private static func finish(_ context: inout Context) throws(CommandFailure) {
        let state = context.state
        guard state.phase == .switched else {
            throw CommandFailure(exitCode: 1, message: "refused: \(state.advice)")
        }
        do throws(TrustError) {
            let new = try RootKeys.open(context.rollover, next: true, context.invocation)
            let issuer = try context.rollover.switchIssuer(key: new)
            try handed(context, try RootRollover.renew(context.statements, by: issuer))
            var token =
                context.answer.bundle.roots.count == 1
                ? context.answer.statements.map { Array($0.utf8) }.first { Self.isBundle($0) } : nil
            if token == nil {
                let made = try context.rollover.bundleOfNew(
                    key: new, present: context.present, serial: context.answer.bundle.serial)
                try handed(context, [made])
                token = made
            }
            try context.rollover.finish(bundle: token ?? [])
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        if context.invocation.flag(.json) {
            return Output.write(#"{"phase":"finished"}"# + "\n")
        }
        Output.write("the old root is dropped; it lies beside as root.old.*: destroy its key\n")
        for node in state.away { Output.write("! \(node) was away: it has to join anew\n") }
    }

    private static func handed(_ context: Context, _ tokens: [[UInt8]]) throws(TrustError) {
        do throws(CommandFailure) {
            try context.hand(tokens)
        } catch { throw TrustError(.file, error.message) }
    }

    private static func isBundle(_ token: [UInt8]) -> Bool {
        (try? Statement(unverified: token)).map { if case .bundle = $0.body { true } else { false } } ?? false
    }

    // MARK: Telling

    private struct Told: Encodable {
        var phase: String
        var missing: [String]
        var away: [String]
        var advice: String
    }

    private static func show(_ context: Context) {
        let state = context.state
        if context.invocation.flag(.json) {
            let told = Told(phase: state.phase.rawValue, missing: state.missing, away: state.away, advice: state.advice)
            Output.write((try? encode(told)) ?? "")
            return
        }
        let next = context.rollover.new.map { Digest.hex($0.thumbprint) }
        var table = Table(["NODE", "STATE", "BUNDLE", "CERTIFICATE UNDER", "UNTIL"])
        for member in context.answer.members {
            let root = member.root.map { $0 == next ? "the new root" : "the old root" } ?? "-"
            table.add([
                member.name, member.state, member.bundle >= context.answer.bundle.serial ? "acknowledged" : "not yet",
                next == nil ? "the root" : root, member.certificateExpires ?? "-",
            ])
        }
        Output.write("\(state.phase.rawValue): \(state.advice)\n")
        for node in state.away {
            Output.write("! \(node) is away: it will have to join anew if it does not return in time\n")
        }
        Output.write("\n" + table.text)
    }
}
