import Globus

/// What is asked of Globus' services themselves.
extension GlobusCheck {
    func token() async throws(CheckFailure) -> String {
        do throws(GlobusError) {
            _ = try await site.token.token()
            return "Globus Auth knows this client and its secret"
        } catch {
            let auth = compute.services.services.auth
            let advice: String? =
                switch error.code {
                case .unauthorized, .badRequest, .configuration:
                    "check clientId and the secret of globusCompute: \(compute.secretPlace)"
                case .unreachable: "can this machine reach \(auth)? globusCompute.services.proxy sets a proxy"
                default: nil
                }
            throw CheckFailure(error.message, advice: advice)
        }
    }

    func state(of endpoint: String) async throws(CheckFailure) -> String {
        let status: EndpointStatus
        do throws(ComputeFailure) {
            status = try await site.service.status(of: endpoint)
        } catch { throw failure(error, endpoint) }
        guard status.isOnline else {
            throw CheckFailure("it is offline", advice: "start it on its machine: globus-compute-endpoint start NAME")
        }
        var words = ["online"]
        if let managers = status.managers { words.append(managers == 1 ? "1 node" : "\(managers) nodes") }
        if let workers = status.totalWorkers {
            words.append("\(status.idleWorkers.map { "\($0) of " } ?? "")\(workers) workers idle")
        }
        if let waiting = status.pendingTasks, waiting > 0 { words.append("\(waiting) tasks wait") }
        return words.joined(separator: ", ")
    }

    func allowance(of endpoint: String, _ wanted: [String]) async throws(CheckFailure) -> String {
        let allowed: (restricted: Bool, functions: [String])
        do throws(ComputeFailure) {
            allowed = try await site.service.allowedFunctions(of: endpoint)
        } catch { throw failure(error, endpoint) }
        let known = wanted.isEmpty ? "" : "; ours: \(wanted.joined(separator: ", "))"
        guard allowed.restricted else { return "any function may run\(known)" }
        let missing = wanted.filter { !allowed.functions.contains($0.lowercased()) }
        guard missing.isEmpty else {
            throw CheckFailure(
                "its site does not allow \(missing.joined(separator: ", "))",
                advice: "have the endpoint's owner put these ids into allowed_functions of its configuration")
        }
        return "\(allowed.functions.count) functions may run\(known)"
    }

    /// A failure with what to do about it.
    func failure(_ failure: ComputeFailure, _ endpoint: String) -> CheckFailure {
        let advice: String? =
            switch failure.code {
            case .endpointNotFound: "check the endpoint's UUID in the configuration: \(endpoint)"
            case .functionNotFound: "register the function again: meshnode globus register --force --config FILE"
            case .functionNotPermitted: "have the endpoint's owner put the function's id into allowed_functions"
            case .forbidden, .endpointStartFailed:
                "the endpoint's owner has to map the identity \(compute.clientID)@clients.auth.globus.org there"
            case .unauthorized: "check clientId and the secret of globusCompute: \(compute.secretPlace)"
            case .unavailable: "can this machine reach \(compute.services.services.compute)?"
            case .rateLimited, .quotaExceeded:
                "another program uses the same client: give each node a client of its own, or lower requestsPerTenSeconds"
            default: nil
            }
        return CheckFailure(failure.detail.map { "\(failure.message) (\($0))" } ?? failure.message, advice: advice)
    }
}

extension GlobusComputeConfiguration {
    /// Where the client's secret is, for people.
    var secretPlace: String { secretFile ?? secretEnvironment.map { "the variable \($0)" } ?? "nowhere" }
}
