#!/usr/bin/env python3
"""What people gain and lose between the two recorded states of the Kubernetes organizations.

    python3 examples/kubernetes-org/access.py            # one JSON object per line, sorted
    python3 examples/kubernetes-org/access.py FROM TO

An oracle for tests, as difference.py is for changes: effective access of every person on every
repository, computed from the recordings alone, once before and once after, and compared. Without any
cleverness: a person may do on a repository what the teams may do that they are in, with the teams
around those; an owner may do everything. A person who is no longer in an organization is disabled there
and may do nothing. An outer team that TO does not mention stays. Standard library only.
"""

import json
import sys

from difference import accounts, address, load

LEVELS = ["read", "triage", "write", "maintain", "admin"]
EVERYTHING = ["*"]


def merged(before, after):
    """The organization after the plan: as TO, with the outer teams that TO does not mention."""
    teams = {
        name: {**team, "parent": team.get("parent") or before["teams"].get(name, {}).get("parent")}
        for name, team in after["teams"].items()
    }
    return {**after, "teams": teams}


def access(org):
    """(person, repository or None for everywhere) -> permissions."""
    found = {}
    roles = accounts(org)
    for person, role in roles.items():
        if role == "owner":
            found[person, None] = set(EVERYTHING)
    for team in org["teams"].values():
        for person in [*team.get("members", []), *team.get("maintainers", [])]:
            if roles.get(person) != "member":
                continue
            around, seen = team, []
            while around and around not in seen:
                seen.append(around)
                for repository, level in around.get("repositories", {}).items():
                    may = set(LEVELS[: LEVELS.index(level) + 1])
                    found.setdefault((person, f"repository/{repository}"), set()).update(may)
                around = org["teams"].get(around.get("parent") or "")
    return found


def difference(target, before, after):
    """Everything that is gained and lost in one organization."""
    had, has = access(before), access(merged(before, after))
    owners = {person for (person, on) in [*had, *has] if on is None}
    for person, on in had.keys() | has.keys():
        # Who becomes or was an owner: that says everything.
        if on is not None and person in owners:
            continue
        old, new = had.get((person, on), set()), has.get((person, on), set())
        for effect, permissions in (("gains", new - old), ("loses", old - new)):
            if permissions:
                facts = {"user": address(person), "on": on, "effect": effect, "permissions": sorted(permissions)}
                yield {"target": target, **facts}


def main(arguments):
    pair = arguments or ["earlier", "later"]
    if len(pair) != 2 or not set(pair) <= {"earlier", "later"}:
        sys.exit("usage: access.py [FROM TO]   (FROM and TO: earlier or later)")
    before, after = load(pair[0]), load(pair[1])
    nothing = {"admins": [], "members": [], "teams": {}}
    for target in sorted(before.keys() | after.keys()):
        found = difference(target, before.get(target, nothing), after.get(target, nothing))
        for line in sorted(json.dumps(one, sort_keys=True) for one in found):
            print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
