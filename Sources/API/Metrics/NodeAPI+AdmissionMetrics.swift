import Routing

extension NodeAPI {
    /// What the gates of this node's own models do.
    func admission() -> String {
        let view = router.view
        var models: [(labels: String, state: AdmissionState)] = []
        var starters: [(labels: String, counts: (starts: Int, releases: Int))] = []
        for id in view.models {
            for case .local(let model)? in view.routes[id]?.targets ?? [] {
                models.append(("model=\"\(label(id))\"", model.gate.snapshot))
                if let starter = model.starter { starters.append(("model=\"\(label(id))\"", starter.counts)) }
            }
        }
        var page = MetricsPage()
        page.add("meshnode_admission_slots", "gauge", "Requests that may run at once, by configuration and measure.") {
            for (labels, state) in models { $0.row(labels, state.slots) }
        }
        page.add("meshnode_admission_configured_slots", "gauge", "Requests that may run at once, as configured or told.") {
            for (labels, state) in models { $0.row(labels, state.configuredSlots) }
        }
        page.add("meshnode_admission_running", "gauge", "Requests that have a slot.") {
            for (labels, state) in models { $0.row(labels, state.running) }
        }
        page.add("meshnode_admission_waiting", "gauge", "Requests in line, by priority.") {
            for (labels, state) in models {
                $0.row("\(labels),priority=\"interactive\"", state.interactive)
                $0.row("\(labels),priority=\"batch\"", state.batch)
            }
        }
        page.add("meshnode_admission_expected_wait_seconds", "gauge", "What a new user's request would wait in line.") {
            for (labels, state) in models {
                if let seconds = state.expectedSeconds { $0.row(labels, seconds) }
            }
        }
        page.add("meshnode_admission_entered_total", "counter", "Requests that had a slot at once, or after a wait.") {
            for (labels, state) in models {
                $0.row("\(labels),waited=\"no\"", state.statistics.enteredAtOnce)
                $0.row("\(labels),waited=\"yes\"", state.statistics.enteredAfterWaiting)
            }
        }
        page.add("meshnode_admission_wait_seconds_total", "counter", "What those waited who had a slot in the end.") {
            for (labels, state) in models { $0.row(labels, Double(state.statistics.waitedNanoseconds) * 1e-9) }
        }
        page.add("meshnode_admission_refused_total", "counter", "Requests that had no slot, by cause.") {
            for (labels, state) in models {
                for cause in Gate.Refusal.allCases {
                    $0.row("\(labels),cause=\"\(cause.rawValue)\"", state.statistics.refused[cause] ?? 0)
                }
            }
        }
        page.add("meshnode_starts_total", "counter", "Starts of models that did not run, those that failed among them.") {
            for (labels, counts) in starters { $0.row(labels, counts.starts) }
        }
        page.add("meshnode_releases_total", "counter", "Models stopped because nobody used them.") {
            for (labels, counts) in starters { $0.row(labels, counts.releases) }
        }
        return page.text
    }
}

/// Metrics in Prometheus' text format, a name at a time.
private struct MetricsPage {
    private(set) var text = ""
    private var name = ""

    mutating func add(_ name: String, _ kind: String, _ help: String, _ rows: (inout MetricsPage) -> Void) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
        self.name = name
        rows(&self)
    }

    mutating func row(_ labels: String, _ value: some CustomStringConvertible) {
        text += "\(name){\(labels)} \(value)\n"
    }
}
