import Transport
import Trust

/// The HTTP CONNECT proxy that connections outwards go through.
struct ProxyConfiguration: Equatable, Sendable {
    static let noProxyAllowed = 256

    /// `http://host:port`.
    var url: String
    /// Files with user and password for Basic credentials; both or none.
    var userFile: String?
    var passwordFile: String?
    /// Hosts that need none; nil: this machine alone. Given, this machine is among them, unless the list is empty.
    var noProxy: [String]?

    /// The hosts that need none, this machine included.
    var bypass: [HTTPProxy.Bypass] {
        guard let noProxy else { return HTTPProxy.Bypass.loopback }
        return noProxy.isEmpty ? [] : HTTPProxy.Bypass.loopback + noProxy.compactMap(HTTPProxy.Bypass.init)
    }

    /// - Throws: exit 1 where a file with credentials cannot be read, or others can read it.
    func httpProxy() throws(CommandFailure) -> HTTPProxy {
        guard let address = WebAddress(url) else { throw CommandFailure(exitCode: 2, message: "\(url) is no URL") }
        var credentials: HTTPProxy.Credentials?
        if let userFile, let passwordFile {
            credentials = HTTPProxy.Credentials(user: try secret(userFile), password: try secret(passwordFile))
        }
        return HTTPProxy(
            address: HostPort(host: address.host, port: UInt16(address.port)), credentials: credentials, bypass: bypass)
    }

    private func secret(_ path: String) throws(CommandFailure) -> String {
        let bytes: [UInt8]
        do throws(TrustError) {
            bytes = try SecretFile.read(path)
        } catch { throw CommandFailure(exitCode: 1, message: "the proxy's credentials: \(error)") }
        let text = String(decoding: bytes, as: UTF8.self)
        let line = String(text.prefix { !$0.isNewline })
        guard !line.isEmpty, line.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
            throw CommandFailure(exitCode: 1, message: "the proxy's credentials: \(path) holds no line of text")
        }
        return line
    }
}

extension ProxyConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> ProxyConfiguration {
        cursor.object { fields in
            let proxy = ProxyConfiguration(
                url: fields["url"].webAddress(schemes: ["http"], allowsPath: false),
                userFile: fields["userFile"].optional { $0.file() },
                passwordFile: fields["passwordFile"].optional { $0.file() },
                noProxy: fields["noProxy"].optional { list in
                    list.list(atMost: noProxyAllowed) { item in
                        item.string(
                            length: 1...253, allowed: "a host, a domain such as .lab.gov, or a block such as 10.0.0.0/8",
                            where: { HTTPProxy.Bypass($0) != nil })
                    }
                })
            if (proxy.userFile == nil) != (proxy.passwordFile == nil) {
                fields[proxy.userFile == nil ? "userFile" : "passwordFile"].fail(
                    "is missing; allowed: userFile and passwordFile together, or neither")
            }
            return proxy
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        out.comment("What connections outwards go through.")
        out.object("proxy") { out in
            out.field("url", .text(url))
            out.field("userFile", userFile.map { .text($0) })
            out.field("passwordFile", passwordFile.map { .text($0) })
            out.field("noProxy", noProxy.map { .texts($0) })
        }
    }
}
