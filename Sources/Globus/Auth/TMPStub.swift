public import Transport
public struct GlobusServices: Sendable { public var auth = "", groups = "", compute = ""; public init() {} }
public struct GlobusError: Error, Sendable { public enum Code: Sendable { case unauthorized }; public var message: String; public init(_ c: Code, _ m: String) { message = m } }
public struct GlobusClient: Sendable { public init(clientID: String, secret: @escaping @Sendable () throws(GlobusError) -> String) {} }
public final class ClientToken: Sendable { public init(client: GlobusClient, scope: String, resourceServer: String, services: GlobusServices, web: WebClient) {} }
