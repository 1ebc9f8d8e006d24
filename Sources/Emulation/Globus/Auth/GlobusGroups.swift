extension GlobusAuth {
    /// `GET /v2/groups/my_groups`, of Globus Groups: `statuses` chooses by membership.
    func myGroups(_ request: GlobusRequest) -> GlobusAnswer {
        guard let token = token(request.bearer, of: Scopes.groupsServer, now: request.now) else {
            return GlobusAnswer(401, ["code": "AUTHENTICATION_FAILED", "message": "the token is not good for Groups"])
        }
        guard case .user(let index) = token.holder else { return .ok([]) }
        let user = settings.users[index]
        let statuses = request.parameter("statuses").map { $0.split(separator: ",").map(String.init) }
        let groups = user.groups.filter { statuses?.contains($0.status) ?? true }
        return .ok(.array(groups.map { Self.describe($0, user) }))
    }

    private static func describe(
        _ group: GlobusEmulationSettings.Group, _ user: GlobusEmulationSettings.User
    ) -> JSONValue {
        let membership: JSONValue = [
            "group_id": .string(group.id), "identity_id": .string(user.sub), "username": .string(user.username),
            "role": "member", "status": .string(group.status),
        ]
        return [
            "id": .string(group.id), "name": .string(group.name), "description": "", "parent_id": nil,
            "group_type": "regular", "enforce_session": false, "session_limit": 28800, "session_timeouts": [:],
            "subscription_id": nil, "subscription_info": nil,
            "policies": ["group_visibility": "private", "group_members_visibility": "managers"],
            "my_memberships": [membership],
        ]
    }
}
