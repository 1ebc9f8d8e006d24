import API
import Glibc
import Routing
import Transport

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * 1e9) }

extension LogLevel {
    init(_ level: LogConfiguration.Level) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}

extension ForwardTimeouts {
    init(_ configuration: NodeConfiguration) {
        self.init()
        firstByte = nanoseconds(configuration.timeouts.firstByteSeconds)
        stall = nanoseconds(configuration.timeouts.stallSeconds)
        queue = nanoseconds(configuration.limits.queueSeconds)
        start = nanoseconds(configuration.timeouts.startSeconds)
        streamKeepAlive = nanoseconds(configuration.timeouts.streamKeepAliveSeconds)
    }
}

extension ListenAddress {
    var socketAddress: SocketAddress {
        get throws(TransportError) {
            guard let found = SocketAddress(literal: address, port: UInt16(port)) else {
                throw TransportError(.system, "\(address) is not an IP address")
            }
            return found
        }
    }
}
