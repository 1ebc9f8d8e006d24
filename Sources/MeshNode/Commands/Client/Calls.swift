import Dispatch
import Synchronization
import Transport

/// Calls of the commands, which do one thing at a time: they wait on the main thread, which is none of the pool's.
enum Calls {
    /// Makes one call, and waits for its answer.
    static func send(_ request: WebRequest) throws(WebError) -> WebAnswer {
        let client = client(for: request.url)
        return try Blocking.run { () async throws(WebError) in try await client.send(request) }
    }

    /// The client for an address.
    static func client(for url: String) -> WebClient { url.hasPrefix("https:") ? secure : plain }

    /// A proxy is chosen by the URL's scheme, and a client has one.
    private static let secure = WebClient(settings(proxies: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]))
    /// HTTP_PROXY in capitals is not read: a CGI program's caller can set it (httpoxy).
    private static let plain = WebClient(settings(proxies: ["http_proxy", "ALL_PROXY", "all_proxy"]))

    /// The environment's proxies, as other programs use them, and the roots that MESHNODE_CA names.
    private static func settings(proxies: [String]) -> WebClientSettings {
        var settings = WebClientSettings()
        settings.userAgent = "meshnode/\(Version.text)"
        settings.caFile = Environment.value("MESHNODE_CA")
        settings.proxy = proxies.lazy.compactMap { Environment.value($0) }.first
        let own = Environment.value("NO_PROXY") ?? Environment.value("no_proxy")
        // What listens on this machine is not to be had by a proxy.
        settings.noProxy =
            own == "*" ? own : ((own.map { [$0] } ?? []) + ["localhost", "127.0.0.1", "::1"]).joined(separator: ",")
        return settings
    }
}

/// Asynchronous work for a command that waits for it.
enum Blocking {
    private final class Outcome<Value: Sendable, Failure: Error>: Sendable {
        let result = Mutex<Result<Value, Failure>?>(nil)
        let isThere = DispatchSemaphore(value: 0)
    }

    /// Runs work on the pool and waits for its end. Only for the main thread, which the pool does not need.
    static func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () async throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let outcome = Outcome<Value, Failure>()
        Task.detached {
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await work())
            } catch { result = .failure(error) }
            outcome.result.withLock { $0 = result }
            outcome.isThere.signal()
        }
        while true {
            outcome.isThere.wait()
            if let result = outcome.result.withLock({ $0 }) { return try result.get() }
        }
    }
}
