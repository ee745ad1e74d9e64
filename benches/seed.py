"""Fills the directory of a generated declaration as an apply would, in seconds instead of minutes.

The roles, the owners and the layout of the database come from `rolecall apply` itself, on a declaration
cut down to its first ten people; the rest is written with SQL. That the result is what the files
declare is for `rolecall plan --detailed-exitcode` to say: `run.py` asks it.
"""

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

USER = re.compile(r"^  (\S+): \{name: (.*), role: (\w+)\}$")
TEAM = re.compile(r"^  (team-\d+):$")
DESCRIPTION = re.compile(r"^    description: (.*)$")
MEMBER = re.compile(r"^      - (?:\{user: (\S+), role: (\w+)\}|(\S+))$")
RESOURCE = re.compile(r"^  (repository/\S+): \{\}$")
GRANT = re.compile(r"^  - \{to: (?:team/)?(\S+), resource: (\S+), role: (\w+)\}$")


def lines(folder):
    for file in sorted(folder.glob("*.yaml")):
        yield from file.read_text(encoding="utf-8").splitlines()


def seed(folder, apply):
    """`apply(FOLDER)` runs `rolecall apply` there."""
    folder = Path(folder)
    small = folder.parent / (folder.name + "-small")
    small.mkdir()
    for name in ("rolecall.yaml", "catalogues.yaml"):
        shutil.copy(folder / name, small)
    users = [match.groups() for match in map(USER.match, lines(folder / "people")) if match]
    owners = "".join(f"  {email}: {{name: {name}, role: {role}}}\n" for email, name, role in users[:10])
    (small / "people.yaml").write_text("users:\n" + owners, encoding="utf-8")
    apply(small)
    (folder / ".rolecall").mkdir(exist_ok=True)
    base = sqlite3.connect(small / ".rolecall" / "home.db")
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    shutil.copy(small / ".rolecall" / "home.db", folder / ".rolecall")
    shutil.rmtree(small)

    base = sqlite3.connect(folder / ".rolecall" / "home.db")
    base.execute("PRAGMA synchronous = OFF")
    roles = dict(base.execute("SELECT name, id FROM roles"))
    base.executemany("INSERT INTO users (email, name, role_id) VALUES (?, ?, ?)", ((e, n, roles[r]) for e, n, r in users[10:]))
    people = dict(base.execute("SELECT email, id FROM users"))
    teams, members, team = {}, [], None
    for line in lines(folder / "teams"):
        if match := TEAM.match(line):
            team = base.execute("INSERT INTO teams (name) VALUES (?)", match.groups()).lastrowid
            teams[match[1]] = team
        elif match := DESCRIPTION.match(line):
            base.execute("UPDATE teams SET description = ? WHERE id = ?", (match[1], team))
        elif match := MEMBER.match(line):
            members.append((team, people[match[1] or match[3]], roles[match[2]] if match[2] else None))
    base.executemany("INSERT INTO memberships (team_id, user_id, role_id) VALUES (?, ?, ?)", members)
    found = [match.groups() for match in map(RESOURCE.match, lines(folder / "repositories")) if match]
    base.executemany("INSERT INTO resources (name) VALUES (?)", found)
    resources = dict(base.execute("SELECT name, id FROM resources"))
    grants = (match.groups() for match in map(GRANT.match, lines(folder / "access")) if match)
    base.executemany(
        "INSERT INTO grants (resource_id, user_id, team_id, role_id) VALUES (?, ?, ?, ?)",
        ((resources[on], people.get(to), teams.get(to), roles[role]) for to, on, role in grants),
    )
    base.commit()
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()


if __name__ == "__main__":
    given, *command = sys.argv[1:]
    seed(given, lambda place: subprocess.run([str(place) if c == "FOLDER" else c for c in command], check=True, capture_output=True))
