import FoundationEssentials
public import Transport

/// What one look at an inference server shows whoever sets it up.
public enum ServerProbe: Sendable, Equatable {
    /// It takes the key, and has these models; nil where its list is of another kind.
    case lists(models: [String]?)
    /// It refuses the key, or wants one: the status, 401 or 403.
    case refusesKey(Int)
    /// It answers with something else.
    case answers(Int)
    case unreachable(String)
}

extension InferenceServer {
    /// Whether it shows a key.
    public var hasKey: Bool { credential != nil }

    /// Asks for the server's models once, with its key.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    public func probe(_ pool: ConnectionPool, deadline: UInt64) async -> ServerProbe {
        // Behind a FIRST gateway models have no list of their own: the cluster's jobs are what the node asks for too.
        let path = gateway.map { "\($0.path)/\($0.cluster)/jobs" } ?? "\(basePath)/v1/models"
        await credential?.prepare()
        var fields: [(StaticString, String)] = [("Accept", "application/json")]
        if let authorization { fields.append(("Authorization", authorization)) }
        do throws(TransportError) {
            let answer = try await pool.request(upstream, target: path, fields: fields, limit: 4 << 20, deadline: deadline)
            switch answer.status {
            case 200:
                guard gateway == nil else { return .lists(models: nil) }
                let list = try? JSONDecoder().decode(Models.self, from: Data(answer.body))
                return .lists(models: list?.data.map(\.id))
            case 401, 403: return .refusesKey(answer.status)
            default: return .answers(answer.status)
            }
        } catch { return .unreachable(error.message) }
    }

    private struct Models: Decodable {
        struct Card: Decodable { var id: String }
        var data: [Card]
    }
}
