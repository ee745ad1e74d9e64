#!/usr/bin/env python3
"""Check action.yml and the workflows with tools that are not ours: none may find anything.

    python3 tests/python/check_action.py            # installs what is not there, from PyPI and npm
    python3 tests/python/check_action.py --itself   # that each tool is heard: a bad workflow must be refused by each

zizmor (every audit that needs no network, the pedantic ones too), actionlint, shellcheck, and the schemas for
workflows and actions that check-jsonschema carries.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from others import installed
from others_node import node, packages

ROOT = Path(__file__).resolve().parents[2]

# What this actionlint, of 2022, does not know and GitHub does. Each must be found, or it can go from here.
NEWER = {
    'label "ubuntu-24.04" is unknown': "runner image of 2024",
    'label "ubuntu-24.04-arm" is unknown': "runner image of 2025",
    'label "macos-15" is unknown': "runner image of 2025",
    'label "macos-15-intel" is unknown': "runner image of 2025",
    'label "windows-2025" is unknown': "runner image of 2025",
    'undefined variable "vars"': "variables of a repository, since 2023",
    'unknown permission scope "attestations"': "attestations, since 2024",
}


def run(*command):
    """What a program wrote, and whether it found nothing."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode == 0


def zizmor(workflows, actions):
    program = installed("zizmor") / "zizmor"
    return run(program, "--offline", "--no-progress", "--persona", "pedantic", "--strict-collection", *workflows, *actions)


def actionlint(workflows, used):
    script = ROOT / "tests/node/actionlint.mjs"
    said = subprocess.run(
        [node() / "bin/node", script, packages("actionlint"), *workflows], capture_output=True, text=True, check=True
    ).stdout
    left = []
    for line in said.splitlines():
        finding = json.loads(line)
        newer = [known for known in NEWER if finding["message"].startswith(known)]
        used.update(newer)
        if not newer:
            left.append(f"{finding['file']}:{finding['line']}:{finding['column']}: {finding['message']}")
    return "\n".join(left), not left


def schemas(workflows, actions):
    program = installed("check-jsonschema") / "check-jsonschema"
    texts, fine = "", True
    for schema, files in [("vendor.github-workflows", workflows), ("vendor.github-actions", actions)]:
        if files:
            text, good = run(program, "--builtin-schema", schema, *files)
            texts, fine = texts + text, fine and good
    return texts, fine


def shellcheck(scripts):
    return run(installed("shellcheck") / "shellcheck", *scripts)


def ours():
    workflows = sorted([*ROOT.glob("examples/github/*.yml"), *ROOT.glob(".github/workflows/*.yml")])
    actions, scripts, used = [ROOT / "action.yml"], sorted(ROOT.glob("action/*.sh")), set()
    if len(workflows) < 6 or not scripts:
        sys.exit("workflows or scripts are not where they were")
    failed = False
    for name, (text, fine) in {
        "zizmor": zizmor(workflows, actions),
        "actionlint": actionlint(workflows, used),
        "check-jsonschema": schemas(workflows, actions),
        "shellcheck": shellcheck(scripts),
    }.items():
        print(f"{name}: {'nothing found' if fine else 'found'}" + ("" if fine else f"\n{text}"))
        failed |= not fine
    if stale := NEWER.keys() - used:
        print("no longer needed in check_action.py:", *stale, sep="\n  ")
        failed = True
    print(f"{len(workflows)} workflows, {len(actions)} action, {len(scripts)} scripts")
    return 1 if failed else 0


BAD = """\
name: Bad
on:
  pull_request_target:
jobs:
  bad:
    runs-on: ubuntu-latest
    permision: {}
    steps:
      - run: echo ${{ github.event.pull_request.title }}
"""


def itself():
    with tempfile.TemporaryDirectory() as folder:
        workflow, script = Path(folder, "bad.yml"), Path(folder, "bad.sh")
        workflow.write_text(BAD, encoding="utf-8")
        script.write_text("#!/bin/bash\necho $1\n", encoding="utf-8")
        heard = {
            "zizmor": not zizmor([workflow], [])[1],
            "actionlint": not actionlint([workflow], set())[1],
            "check-jsonschema": not schemas([workflow], [])[1],
            "shellcheck": not shellcheck([script])[1],
        }
    deaf = [name for name, found in heard.items() if not found]
    print(f"finds nothing in what is wrong: {', '.join(deaf)}" if deaf else "each of the tools refuses what is wrong")
    return 1 if deaf else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--itself"]):
        sys.exit(__doc__)
    sys.exit(itself() if sys.argv[1:] else ours())
