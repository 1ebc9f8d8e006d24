import Globus
import Routing

extension GlobusSite {
    /// What this site's client does at Globus Compute, as lines of Prometheus text.
    ///
    /// Not inlined: whoever asks comes back from another executor, and a Mutex must not see that one's thread (`KeyStore`).
    var metrics: String {
        @inline(never) get { text() }
    }

    private func text() -> String {
        let figures = service.figures
        let counters = figures.counters
        var text = ""
        func sum(_ name: String, _ help: String, _ value: UInt64) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n\(name) \(value)\n"
        }
        func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
        }
        sum("meshnode_globus_orders_total", "Requests given to Globus Compute as tasks.", counters.orders)
        sum("meshnode_globus_submits_total", "Submissions, each of one task or more.", counters.submits)
        sum("meshnode_globus_polls_total", "Polls for results.", counters.polls)
        sum("meshnode_globus_questions_total", "Questions of status and registrations.", counters.questions)
        sum("meshnode_globus_results_total", "Results fetched.", counters.results)
        sum("meshnode_globus_failed_total", "Tasks that failed.", counters.failed)
        sum("meshnode_globus_lost_total", "Tasks that the service lost.", counters.lost)
        sum("meshnode_globus_past_deadline_total", "Tasks past their deadline.", counters.pastDeadline)
        sum("meshnode_globus_resubmissions_total", "Tasks submitted a second time.", counters.resubmissions)
        sum("meshnode_globus_throttled_total", "Answers of status 429.", counters.throttled)
        gauge("meshnode_globus_window_used", "Requests in the last ten seconds.", figures.windowUsed)
        gauge("meshnode_globus_window_allowed", "Requests that ten seconds may have.", figures.windowAllowed)
        gauge("meshnode_globus_callbacks", "Tasks whose function may call back.", callbacks.count)
        let rows: [(String, String, (EndpointFigures) -> Double?)] = [
            ("queued", "Tasks not yet submitted", { Double($0.queued) }),
            ("outstanding", "Tasks submitted whose end is not known", { Double($0.outstanding) }),
            ("submission_wait_seconds", "Median wait for submission in the last minute", { $0.medianWaitSeconds }),
            ("queue_delay_seconds", "How long a task given now would wait for submission", { $0.queueDelaySeconds }),
        ]
        for (name, help, value) in rows {
            let full = "meshnode_globus_endpoint_\(name)"
            text += "# HELP \(full) \(help), by endpoint.\n# TYPE \(full) gauge\n"
            for (endpoint, figures) in figures.endpoints.sorted(by: { $0.key < $1.key }) {
                if let value = value(figures) { text += "\(full){endpoint=\"\(endpoint)\"} \(value)\n" }
            }
        }
        return text
    }
}
