import CCurl
import CLinux
import Glibc
import Synchronization

/// libcurl's multi handle with the thread that drives it, and the way in from other threads.
final class WebThread: Sendable {
    enum Command: Sendable {
        case add(WebCall)
        case cancel(WebTicket)
        case stop
    }

    private let settings: WebClientSettings
    private let inbox = Mutex<[Command]>([])
    /// Used by the thread alone but for `curl_multi_wakeup`, which libcurl allows from any; freed when neither the thread nor
    /// anybody else can reach this object any more.
    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer?

    /// Once in a process, before any other use.
    private static let library: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(_ settings: WebClientSettings) {
        self.settings = settings
        multi = Self.library ? curl_multi_init() : nil
        guard let multi else { return }
        _ = mesh_multi_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, max(1, settings.connectionsPerHost))
        _ = mesh_multi_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, WebLimits.connections)
        _ = mesh_multi_long(multi, CURLMOPT_MAXCONNECTS, WebLimits.idleConnections)
    }

    deinit { if let multi { curl_multi_cleanup(multi) } }

    func start() { startThread(name: "web") { self.run() } }
    func stop() { send(.stop) }
    func add(_ call: WebCall) { send(.add(call)) }

    func cancel(_ ticket: WebTicket) {
        ticket.cancel()
        send(.cancel(ticket))
    }

    private func send(_ command: Command) {
        inbox.withLock { $0.append(command) }
        if let multi { curl_multi_wakeup(multi) }
    }

    private func run() {
        // libcurl may write to a closed socket; the program must not end by that.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, nil)
        guard let multi else { return refuseAll() }
        let transfers = WebTransfers(multi, settings)
        while true {
            for command in inbox.withLock({ exchange(&$0, with: []) }) {
                switch command {
                case .add(let call): transfers.add(call)
                case .cancel(let ticket): transfers.cancel(ticket)
                case .stop: return transfers.end()
                }
            }
            transfers.perform()
            curl_multi_poll(multi, nil, 0, transfers.waitMilliseconds(), nil)
        }
    }

    /// Without a multi handle (no memory, no descriptors) each call fails at once.
    private func refuseAll() {
        while true {
            for command in inbox.withLock({ exchange(&$0, with: []) }) {
                switch command {
                case .add(let call):
                    let error = WebError(.unreachable, "libcurl cannot be used here", mayHaveArrived: false)
                    call.continuation.resume(returning: .failure(error))
                case .cancel: break
                case .stop: return
                }
            }
            usleep(10_000)
        }
    }
}
