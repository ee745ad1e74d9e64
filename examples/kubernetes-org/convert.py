#!/usr/bin/env python3
"""Turn a recorded state of the Kubernetes GitHub organizations into rolecall files.

    python3 examples/kubernetes-org/convert.py earlier|later OUT

The recording (data/kubernetes-org-*.json) is the public repository kubernetes/org with the people
replaced by pseudonyms. The output has the layout that a team would give such a declaration by
hand: one file for the targets, one for the roles of GitHub, people by the first digit of their
pseudonym, and a folder per organization, its teams split by special interest group (SIG).

The same input gives the same output, byte for byte. Standard library only.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: The label that stands for all eight organizations.
LABEL = "github"

#: What tells a folder that this script wrote from any other.
MARK = "Written by convert.py."

#: SIGs and working groups of more than one word; the others are `sig-WORD` and `wg-WORD`.
LONG_GROUPS = (
    "sig-api-machinery",
    "sig-cloud-provider",
    "sig-cluster-lifecycle",
    "sig-contributor-experience",
    "sig-k8s-infra",
    "wg-ai-gateway",
    "wg-device-management",
    "wg-structured-logging",
    "wg-workload-aware-scheduling",
)

#: Organizations with fewer teams than this have them in one file.
SPLIT_FROM = 100

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.()/_'&+-]*[A-Za-z0-9.)]")
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def scalar(text):
    """A text as YAML: plain where every parser reads it as that text, else double-quoted."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def email(person):
    """The address of a pseudonym. `.example` belongs to nobody (RFC 2606)."""
    return f"{person}@people.example"


def header(depth, *comments):
    """The first lines of a file that lies `depth` folders below the output folder.

    The path to the schema fits the output folder examples/kubernetes-org/declaration.
    """
    lines = [f"# yaml-language-server: $schema={'../' * (3 + depth)}schemas/rolecall.schema.json"]
    lines += [f"# {comment}" for comment in comments]
    return lines + [""]


def root(state):
    """rolecall.yaml: the organizations as targets, who holds which role in them, the rules."""
    lines = header(
        0,
        f"The GitHub organizations of the Kubernetes project as of {state['date']},",
        f"from {state['source']}, commit {state['commit']}. {MARK}",
    )
    lines += ["version: 1", "", "targets:"]
    for org in sorted(state["organizations"]):
        lines += [
            f"  {org}:",
            "    provider: directory",
            f"    labels: [{LABEL}]",
            f"    url: sqlite:.rolecall/{org}.db",
            "    catalogue: github",
            "    manage: authoritative",
        ]
    lines += [
        "",
        "# One role for all organizations; `targets:` at a person says in which of them.",
        "roles:",
        f"  org-owner: {{description: Owns a GitHub organization., as: {{{LABEL}: owner}}}}",
        f"  org-member: {{description: Belongs to a GitHub organization., as: {{{LABEL}: member}}}}",
        "",
        "policies:",
        "  admins: {at_least: 5}",
        "  removal: {users: disable, at_most: {count: 10, share: 5%}}",
        "",
        "tests:",
        "  - {team: kubernetes:release-managers, can: admin, resource: kubernetes:repository/kubernetes}",
        "  - {team: kubernetes:sig-testing-leads, can: admin, resource: kubernetes:repository/sig-testing}",
    ]
    return lines


def catalogues():
    """catalogues.yaml: the roles of GitHub. Each repository role holds what the one before it does."""
    lines = header(0, "What the roles of GitHub may do, as far as this declaration needs it.")
    lines += [
        "catalogues:",
        "  github:",
        "    description: Roles of a GitHub organization, its teams and its repositories.",
        "    source: https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories",
        "    combine: union",
        "    nested_teams: true",
        "    roles:",
        "      owner: {description: May do everything in the organization., on: [user], administers: true, permissions: all}",
        "      member: {description: Sees the organization and can be in teams., on: [user], permissions: []}",
        "      # Changes the team and its members; gives nothing on repositories, hence no permissions.",
        "      maintainer: {description: Maintains a team., on: [member], permissions: []}",
    ]
    levels = ["read", "triage", "write", "maintain", "admin"]
    for number, level in enumerate(levels, 1):
        lines.append(f"      {level}: {{on: [resource], permissions: [{', '.join(levels[:number])}]}}")
    lines += [
        "    kinds:",
        f"      repository: {{roles: [{', '.join(levels)}], visibility: false, grants: true}}",
    ]
    return lines


def people(state):
    """people/*.yaml: every person once, with the organizations they belong to."""
    held = {}
    for org, content in sorted(state["organizations"].items()):
        for role, key in (("owner", "admins"), ("member", "members")):
            for person in content[key]:
                held.setdefault(person, {})[org] = role
    files = {}
    for person in sorted(held):
        orgs = held[person]
        # The role that they hold in most organizations is theirs; the rest is an exception.
        owns = sum(role == "owner" for role in orgs.values())
        main = "owner" if owns * 2 > len(orgs) else "member"
        fields = [f"role: org-{main}"]
        if len(orgs) < len(state["organizations"]):
            fields.append(f"targets: [{', '.join(sorted(orgs))}]")
        others = [f"{org}: {{role: {role}}}" for org, role in sorted(orgs.items()) if role != main]
        if others:
            fields.append(f"at: {{{', '.join(others)}}}")
        files.setdefault(person[1], []).append(f"  {email(person)}: {{{', '.join(fields)}}}")
    return {f"people/{digit}.yaml": header(1) + ["users:"] + lines for digit, lines in sorted(files.items())}


def group(name):
    """The file that a team belongs to: its SIG or working group, or a stretch of the alphabet."""
    if "/" in name:
        return name.split("/")[0]
    for long in LONG_GROUPS:
        if name == long or name.startswith(long + "-"):
            return long
    found = re.match(r"(?:sig|wg)-[a-z0-9]+", name)
    if found:
        return found.group()
    for last in "fkrz":
        if name[0] <= last:
            return {"f": "teams-a-f", "k": "teams-g-k", "r": "teams-l-r", "z": "teams-s-z"}[last]
    return "teams-other"


def team(org, name, content):
    """One team with its members, one to a line: who changed a line is who changed a membership."""
    lines = [f"  {org}:{name}:"]
    if content.get("description"):
        lines.append(f"    description: {scalar(content['description'])}")
    if content.get("parent"):
        lines.append(f"    in: {content['parent']}")
    members = [(person, f"{{user: {email(person)}, role: maintainer}}") for person in content.get("maintainers", [])]
    members += [(person, email(person)) for person in content.get("members", [])]
    if members:
        lines.append("    members:")
        lines += [f"      - {text}" for _, text in sorted(members)]
    else:
        lines.append("    members: []")
    return lines


def repositories(org, teams):
    """The repositories of an organization, each with the teams that can reach it."""
    access = {}
    for name in sorted(teams):
        for repository, level in teams[name].get("repositories", {}).items():
            access.setdefault(repository, {}).setdefault(level, []).append(f"team/{name}")
    lines = []
    for repository in sorted(access):
        lines += [f"  {org}:repository/{repository}:", "    access:"]
        for level in ("admin", "maintain", "write", "triage", "read"):
            holders = access[repository].get(level)
            if holders:
                lines.append(f"      {level}: [{', '.join(holders)}]")
    return lines


def organization(org, content):
    """The files of one organization."""
    teams = content["teams"]
    files = {}
    for name in sorted(teams):
        split = len(teams) >= SPLIT_FROM
        path = f"{org}/teams/{group(name)}.yaml" if split else f"{org}/teams.yaml"
        files.setdefault(path, header(path.count("/")) + ["teams:"]).extend(team(org, name, teams[name]))
    lines = repositories(org, teams)
    if lines:
        files[f"{org}/repositories.yaml"] = header(1) + ["resources:"] + lines
    return files


def outsiders(content):
    """People in a team of an organization who do not belong to the organization."""
    inside = set(content["admins"]) | set(content["members"])
    return {
        person
        for one in content["teams"].values()
        for person in one.get("members", []) + one.get("maintainers", [])
        if person not in inside
    }


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("earlier", "later"):
        sys.exit(__doc__.split("\n\n")[1].strip())
    which, out = arguments[0], Path(arguments[1])
    state = json.loads((HERE / "data" / f"kubernetes-org-{which}.json").read_text(encoding="utf-8"))
    files = {"rolecall.yaml": root(state), "catalogues.yaml": catalogues()}
    files.update(people(state))
    for org, content in sorted(state["organizations"].items()):
        strangers = outsiders(content)
        if strangers:
            # The recordings have none. If one had, the person would have to be declared first.
            sys.exit(f"{org}: in a team, but not in the organization: {', '.join(sorted(strangers))}")
        files.update(organization(org, content))
    # A former run's files go first: a team may have had the only line of a file. Nothing else is touched.
    former = out / "rolecall.yaml"
    if former.exists() and MARK in former.read_text(encoding="utf-8"):
        for old in out.rglob("*.yaml"):
            old.unlink()
    elif out.exists() and any(out.iterdir()):
        sys.exit(f"{out} holds something else; name an empty folder")
    for path, lines in files.items():
        place = out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(files)} files in {out}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
