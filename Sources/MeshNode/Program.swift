import Glibc

/// The program's version.
enum Version {
    static let text = "0.1.0"
}

@main
struct Program {
    static func main() {
        ChildProcess.dieWithParent()
        Signals.block()
        do throws(UsageError) {
            switch try CommandLineParser.parse(Array(CommandLine.arguments.dropFirst())) {
            case .help(let text): Output.write(text.hasSuffix("\n") ? text : text + "\n")
            case .version: Output.write("meshnode \(Version.text)\n")
            case .run(let invocation): run(invocation)
            }
        } catch {
            fail(UsageError.exitCode, error.description)
        }
    }

    private static func run(_ invocation: Invocation) {
        do throws(CommandFailure) {
            // The doctor says by itself what keeps FIPS from working.
            if invocation.command != .doctor { try FIPSRequirement.obeyEnvironment() }
            switch invocation.command {
            case .demo: try DemoCommand.run(invocation)
            case .up: try UpCommand.run(invocation)
            case .simulate: try SimulateCommand.run(invocation)
            case .serve: try ServeCommand.run(invocation)
            case .status: try StatusCommand.run(invocation)
            case .models: try ModelsCommand.run(invocation)
            case .route: try RouteCommand.run(invocation)
            case .receipts: try ReceiptsCommand.run(invocation)
            case .peers: try PeersCommand.run(invocation)
            case .check: try CheckCommand.run(invocation)
            case .doctor: try DoctorCommand.run(invocation)
            case .login: try LoginCommand.run(invocation)
            case .token: try TokenCommand.run(invocation)
            case .logout: try LogoutCommand.run(invocation)
            case .keysCreate: try KeysCommand.create(invocation)
            case .keysList: try KeysCommand.list(invocation)
            case .keysRevoke: try KeysCommand.revoke(invocation)
            case .federationCreate: try CreateCommand.run(invocation)
            case .federationInvite: try InviteCommand.run(invocation)
            case .federationJoin: try JoinCommand.run(invocation)
            case .federationSign: try SignCommand.run(invocation)
            case .block: try BlockCommands.block(invocation)
            case .unblock: try BlockCommands.unblock(invocation)
            case .blocks: try BlockCommands.list(invocation)
            case .isolate: try BlockCommands.isolate(invocation)
            case .auditList: try AuditListCommand.run(invocation)
            case .auditVerify: try AuditVerifyCommand.run(invocation)
            case .federationMembers: try MembersCommand.run(invocation)
            case .federationRenew: try RenewCommand.run(invocation)
            case .federationRevoke: try RevokeCommand.run(invocation)
            case .federationRollover: try RolloverCommand.run(invocation)
            case .federationSiteRoot: try SiteRootCommand.run(invocation)
            case .globusRegister: try GlobusRegisterCommand.run(invocation)
            case .globusCheck: try GlobusCheckCommand.run(invocation)
            case .emulateInference: try EmulateCommand.run(invocation)
            case .emulateGlobus: try EmulateGlobusCommand.run(invocation)
            }
        } catch {
            fail(error.exitCode, error.message)
        }
    }

    private static func fail(_ code: Int32, _ message: String) -> Never {
        var line = message.hasSuffix("\n") ? "meshnode: \(message)" : "meshnode: \(message)\n"
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
        exit(code)
    }
}
