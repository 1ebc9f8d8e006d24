import CLinux
import Gossip

extension LocalModel {
    /// Does what its site has to do for it by itself: called after each look at it.
    func attendTo() {
        guard let starter, let raw = lastState, let own = attended else { return }
        let gated = gate.counts
        let statistics = gate.snapshot.statistics
        let look = Starter.Look(
            raw: raw, state: variant.state, isBusy: gated.running + gated.waiting > 0 || serverIsBusy,
            entered: statistics.enteredAtOnce + statistics.enteredAfterWaiting, mayStart: own.mayStart())
        let tells = own.tells
        switch starter.duty(after: look, now: mesh_monotonic_ns()) {
        case .none: return
        case .start:
            tells("\(id) is kept running and is not: it is started")
            startHasChanged()
            runStart(tells)
        case .release: release(starter, tells)
        case .released(let startsAgain):
            gate.open()
            tells("\(id) has stopped\(startsAgain ? ", and is started again: it was asked for meanwhile" : "")")
            startHasChanged()
            if startsAgain { runStart(tells) }
        case .runsOn:
            gate.open()
            tells("\(id) was stopped, and still runs \(Starter.stopPatience / 1_000_000_000) s later: it stays in use")
            startHasChanged()
        }
    }

    /// Nobody is let in any more; then it is said to be stopped; then it is stopped. So nobody is in it when it goes.
    private func release(_ starter: Starter, _ tells: @escaping @Sendable (String) -> Void) {
        guard let command = starter.settings.stop else { return }
        guard gate.closeIfIdle() else { return starter.used(now: mesh_monotonic_ns()) }
        starter.beginsStop(now: mesh_monotonic_ns())
        tells("\(id) is released: no request for \(Int(starter.settings.idleSeconds ?? 0)) s")
        startHasChanged()
        Task.detached {
            guard let why = await Self.run(command) else { return starter.stopEnded() }
            starter.stopFailed(now: mesh_monotonic_ns())
            self.gate.open()
            tells("\(self.id) could not be stopped, and stays in use: \(why)")
            self.startHasChanged()
        }
    }
}
