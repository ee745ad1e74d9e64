#!/usr/bin/env python3
"""Write generated declarations of a given size, always the same for the same arguments.

    generate.py peers OUT [--change 1%]    the profile of the peers' measurements: 10,000 users, 1,000
                                           teams, 20,000 memberships, 8,000 grants on 2,000 resources
    generate.py grants N OUT               N users, N/10 teams, 10 N grants on N/5 resources

`--change` declares the same organization after a change of so many percent of its users,
memberships and grants: a third of them gone, a third replaced, a third with another role (people and
their own grants: as they were). One target, a directory with a catalogue declared in the files. No
file is larger than 8 MiB. Standard library only.
"""

import argparse
import sys
from pathlib import Path

LIMIT = 8 * 1024 * 1024
MASK = 0xFFFFFFFFFFFFFFFF
#: What teams are given. People are given `admin`, which is above all of it: no grant is without effect.
LEVELS = ("read", "triage", "write", "maintain")
OWNERS = 10

ROOT = """\
version: 1

targets:
  home:
    provider: directory
    url: sqlite:.rolecall/home.db
    catalogue: forge
    manage: authoritative

policies:
  admins: {at_least: 2}
  # Large enough that a generated change is never held back.
  removal: {users: disable, at_most: {count: 1000000, share: 100%}}
"""

CATALOGUE = """\
catalogues:
  forge:
    description: Roles of a code forge.
    combine: union
    nested_teams: true
    roles:
      owner: {on: [user], administers: true, permissions: all}
      member: {on: [user], permissions: []}
      maintainer: {on: [member], permissions: []}
      read: {on: [resource], permissions: [read]}
      triage: {on: [resource], permissions: [read, triage]}
      write: {on: [resource], permissions: [read, triage, write]}
      maintain: {on: [resource], permissions: [read, triage, write, maintain]}
      admin: {on: [resource], permissions: [read, triage, write, maintain, admin]}
    kinds:
      repository: {roles: [read, triage, write, maintain, admin], visibility: false, grants: true}
"""


def mix(salt, one=0, two=0):
    """A number that looks drawn, and is the same everywhere."""
    value = (salt * 0x9E3779B97F4A7C15 + one * 0xC2B2AE3D27D4EB4F + two * 0x165667B19E3779F9) & MASK
    value = (value ^ value >> 31) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


class Change:
    """Which things a change touches, and how."""

    def __init__(self, share):
        self.parts = round(share * 1_000_000)

    def of(self, salt, one, two=0):
        """`gone`, `new` (in place of another), `other` (with another role), or `same`."""
        if not self.parts:
            return "same"
        draw = mix(salt + 100, one, two) % 1_000_000
        return ("gone", "new", "other")[draw % 3] if draw < self.parts else "same"


class Files:
    """Sections split into files of at most `lines` lines, and of at most 8 MiB."""

    def __init__(self, out):
        self.out = out
        self.count = 0
        self.bytes = 0

    def write(self, path, text):
        place = self.out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
        self.count += 1
        self.bytes += len(text)

    def section(self, folder, section, entries, lines):
        """Entries (texts of one or more lines) of one section, in numbered files."""
        head, pending, held, size, number = f"{section}:\n", [], 0, 0, 0
        for entry in entries:
            rows = entry.count("\n")
            if pending and (held + rows > lines or size + len(entry) + len(head) > LIMIT):
                self.write(f"{folder}/{number:04}.yaml", head + "".join(pending))
                pending, held, size, number = [], 0, 0, number + 1
            pending.append(entry)
            held += rows
            size += len(entry)
        self.write(f"{folder}/{number:04}.yaml", head + "".join(pending))


def user(number, width):
    return f"user-{number:0{width}}@people.example"


def generate(out, users, teams, seats, slots, resources, lines, share):
    """`seats` members per team; `slots` grants per resource, one in four to a person directly."""
    change, files, width = Change(share), Files(out), max(5, len(str(users - 1)))
    counts = dict.fromkeys(("users", "memberships", "grants"), 0)

    # A `new` person is one whom the files did not name before, in place of one whom they did.
    declared = []
    for number in range(users):
        fate = "same" if number < OWNERS else change.of(1, number)
        if fate != "gone":
            declared.append(number + users if fate == "new" else number)
    present = set(declared)
    counts["users"] = len(declared)

    def people():
        for number in declared:
            role = "owner" if number < OWNERS else "member"
            yield f"  {user(number, width)}: {{name: Person {number}, role: {role}}}\n"

    files.section("people", "users", people(), lines)

    def members(team):
        """Distinct persons, the first two of whom maintain the team."""
        first, step, seen = mix(2, team), 1 + mix(3, team) % (users // seats), set()
        for seat in range(seats):
            fate = change.of(4, team, seat)
            place = (mix(5, team, seat) if fate == "new" else first + seat * step) % users
            if fate == "gone" or place in seen or place not in present:
                continue
            seen.add(place)
            yield place, (seat < 2) != (fate == "other")

    def team_entries():
        for team in range(teams):
            rows = []
            for place, maintains in members(team):
                name = user(place, width)
                rows.append(f"      - {{user: {name}, role: maintainer}}\n" if maintains else f"      - {name}\n")
            counts["memberships"] += len(rows)
            listed = "    members:\n" + "".join(rows) if rows else "    members: []\n"
            yield f"  team-{team:05}:\n    description: Team number {team}\n{listed}"

    files.section("teams", "teams", team_entries(), lines)
    files.section("repositories", "resources", (f"  repository/r-{r:05}: {{}}\n" for r in range(resources)), lines)

    def grant_entries():
        for resource in range(resources):
            first, seen = mix(6, resource), set()
            step, stride = 1 + mix(7, resource) % (teams // slots), 1 + mix(8, resource) % (users // slots)
            for slot in range(slots):
                fate = change.of(9, resource, slot)
                if fate == "gone":
                    continue
                drawn = mix(10, resource, slot) if fate == "new" else None
                if slot % 4 == 3:
                    # Owners may do everything: a grant to one would have no effect.
                    place = OWNERS + (first + slot * stride if drawn is None else drawn) % (users - OWNERS)
                    to, level = user(place, width), "admin"
                    if place not in present:
                        continue
                else:
                    place = (first + slot * step if drawn is None else drawn) % teams
                    to = f"team/team-{place:05}"
                    level = LEVELS[(mix(11, resource, slot) + (fate == "other")) % len(LEVELS)]
                if to in seen:
                    continue
                seen.add(to)
                counts["grants"] += 1
                yield f"  - {{to: {to}, resource: repository/r-{resource:05}, role: {level}}}\n"

    files.section("access", "grants", grant_entries(), lines)
    files.write("catalogues.yaml", CATALOGUE)
    files.write("rolecall.yaml", ROOT)
    sizes = ", ".join(f"{number:,} {word}" for word, number in counts.items())
    print(
        f"{sizes}, {teams:,} teams, {resources:,} resources; {files.count} files, {files.bytes:,} bytes",
        file=sys.stderr,
    )


def peers(out, share=0.0):
    """The profile that the peers were measured with."""
    generate(out, 10_000, 1_000, 20, 4, 2_000, 1_200, share)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="profile", required=True)
    one = commands.add_parser("peers")
    one.add_argument("out", type=Path)
    one.add_argument("--change", default="0%", help="share of users, memberships and grants, as 1%%")
    two = commands.add_parser("grants")
    two.add_argument("users", type=int)
    two.add_argument("out", type=Path)
    given = parser.parse_args()
    if given.out.exists() and any(given.out.iterdir()):
        sys.exit(f"{given.out} is not empty")
    if given.profile == "peers":
        if not given.change.endswith("%"):
            sys.exit("--change takes a share with its unit, as 1%")
        peers(given.out, float(given.change[:-1]) / 100)
    elif given.users < 1_000:
        sys.exit("at least 1000 users")
    else:
        n = given.users
        generate(given.out, n, n // 10, 20, 50, n // 5, 1_000_000, 0.0)


if __name__ == "__main__":
    main()
