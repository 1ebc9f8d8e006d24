extension Starter {
    public struct Settings: Sendable, Equatable {
        /// A program that starts it, without a shell; nil: a first request does, as behind Globus Compute.
        public var command: [String]?
        /// Other sites whose users it is started for; `*`: all.
        public var sites: [String] = []
        /// UUIDs of groups, of which such a user must be in one; none: any user.
        public var groups: [String] = []
        /// Node-hours a day that starts for other sites may spend; nil: as many as they like.
        public var nodeHoursPerDay: Double?
        /// What one start is taken to spend.
        public var nodeHours = 1.0
        /// From a start to the first answer, until one was measured; nil: nobody knows.
        public var expectedSeconds: Double?
        /// It is kept running: started by this node itself where it is found stopped, and never released.
        public var isKept = false
        /// A program that stops it, without a shell; nil: it is never released.
        public var stop: [String]?
        /// After so many seconds without a request it is released.
        public var idleSeconds: Double?
        public init() {}
    }
}
