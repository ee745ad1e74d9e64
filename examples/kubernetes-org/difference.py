#!/usr/bin/env python3
"""What must change between the two recorded states of the Kubernetes GitHub organizations.

    python3 examples/kubernetes-org/difference.py            # one JSON object per line, sorted
    python3 examples/kubernetes-org/difference.py summary    # counts per organization and kind
    python3 examples/kubernetes-org/difference.py [summary] FROM TO

An oracle for tests: it reads only the recordings, neither rolecall nor the YAML, and says which
changes a plan must hold when the live directories are as in FROM (default: earlier) and the files
declare TO (default: later) with `manage: authoritative` and `removal: {users: disable}`:

* Each organization is a target by itself.
* A person who is no longer in an organization is disabled there. What they hold stays as it is, so
  that coming back restores it; it goes only with a team that is deleted.
* A repository exists as long as a team has a role on it.
* A description or outer team that TO does not mention is not managed, so it is not changed.
* A removal carries `why`: `undeclared`, or `goes` where the thing it belongs to is deleted as well.

The kinds of changes have the names they have in a rolecall plan. Standard library only.
"""

import json
import sys
from collections import Counter
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"


def load(which):
    """One recording."""
    text = (DATA / f"kubernetes-org-{which}.json").read_text(encoding="utf-8")
    return json.loads(text)["organizations"]


def address(person):
    """The e-mail address that stands for a pseudonym."""
    return person + "@people.example"


def accounts(org):
    """Person -> role in the organization."""
    return {**dict.fromkeys(org["members"], "member"), **dict.fromkeys(org["admins"], "owner")}


def memberships(org):
    """(team, person) -> role in the team, None for a plain member."""
    found = {}
    for name, team in org["teams"].items():
        found.update({(name, person): None for person in team.get("members", [])})
        found.update({(name, person): "maintainer" for person in team.get("maintainers", [])})
    return found


def grants(org):
    """(team, repository) -> role."""
    return {
        (name, repository): role
        for name, team in org["teams"].items()
        for repository, role in team.get("repositories", {}).items()
    }


def difference(target, before, after):
    """The changes of one organization."""

    def change(kind, **facts):
        return {"target": target, "change": kind, **facts}

    old, new = accounts(before), accounts(after)
    for person in old.keys() | new.keys():
        user = address(person)
        if person not in old:
            yield change("create-user", user=user, role=new[person])
        elif person not in new:
            yield change("disable-user", user=user, role=old[person], why="undeclared")
        elif old[person] != new[person]:
            yield change("update-user", user=user, before=old[person], role=new[person])
    leavers = old.keys() - new.keys()

    was, becomes = before["teams"], after["teams"]
    for team in was.keys() | becomes.keys():
        if team not in was:
            facts = becomes[team]
            yield change(
                "create-team", team=team, description=facts.get("description"), **{"in": facts.get("parent")}
            )
        elif team not in becomes:
            yield change("delete-team", team=team, why="undeclared")
        else:
            for fact in ("description", "parent"):
                wanted = becomes[team].get(fact)
                if wanted is not None and wanted != was[team].get(fact):
                    yield change("update-team", team=team)
                    break

    old, new = memberships(before), memberships(after)
    for team, person in old.keys() | new.keys():
        facts = {"team": team, "user": address(person)}
        held, wanted = old.get((team, person)), new.get((team, person))
        if (team, person) not in old:
            yield change("add-member", **facts, role=wanted)
        elif (team, person) in new:
            if held != wanted:
                yield change("change-member", **facts, before=held, role=wanted)
        elif team not in becomes:
            yield change("remove-member", **facts, role=held, why="goes")
        elif person not in leavers:
            yield change("remove-member", **facts, role=held, why="undeclared")

    old, new = grants(before), grants(after)
    existed, exists = {r for _, r in old}, {r for _, r in new}
    for repository in exists - existed:
        yield change("create-resource", resource=f"repository/{repository}")
    for repository in existed - exists:
        yield change("delete-resource", resource=f"repository/{repository}", why="undeclared")
    for team, repository in old.keys() | new.keys():
        facts = {"to": f"team/{team}", "resource": f"repository/{repository}"}
        held, wanted = old.get((team, repository)), new.get((team, repository))
        if held is None:
            yield change("give-grant", **facts, roles=[wanted])
        elif wanted is None:
            goes = team not in becomes or repository not in exists
            yield change("revoke-grant", **facts, roles=[held], why="goes" if goes else "undeclared")
        elif held != wanted:
            yield change("change-grant", **facts, before=[held], roles=[wanted])


def main(arguments):
    summary = arguments[:1] == ["summary"]
    pair = arguments[summary:] or ["earlier", "later"]
    if len(pair) != 2 or not set(pair) <= {"earlier", "later"}:
        sys.exit("usage: difference.py [summary] [FROM TO]   (FROM and TO: earlier or later)")
    before, after = load(pair[0]), load(pair[1])
    nothing = {"admins": [], "members": [], "teams": {}}
    changes = [
        change
        for target in before.keys() | after.keys()
        for change in difference(target, before.get(target, nothing), after.get(target, nothing))
    ]
    if not summary:
        print("\n".join(sorted(json.dumps(change, sort_keys=True) for change in changes)))
        return
    counts = Counter((change["target"], change["change"]) for change in changes)
    for target in sorted(before.keys() | after.keys()):
        print(target)
        for (_, kind), number in sorted(item for item in counts.items() if item[0][0] == target):
            print(f"  {kind:<16} {number:>5}")
    print(f"all {len(changes)}")
    for kind, number in sorted(Counter(change["change"] for change in changes).items()):
        print(f"  {kind:<16} {number:>5}")


if __name__ == "__main__":
    main(sys.argv[1:])
