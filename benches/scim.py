#!/usr/bin/env python3
"""Measure a reconcile over HTTP against what latency, concurrency and the least number of requests dictate.

    cargo build --release
    python3 benches/scim.py [--users 10000] [--groups 500] [--latency 20] [--concurrency 8] [--runs 3]

Serves `rolecall sandbox scim`, imports what is there, makes the same on a server that has nothing, changes
one per cent of it, and measures `plan` and `apply`. The least number of requests is the one that src/targets/scim/README.md states; the bound is
that number times the latency, divided by the requests that may be in flight. Every number is of the whole
process, and the least of several runs; the sandbox starts anew for each.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROLECALL = ROOT / "target/release/rolecall"
NOW = "2026-11-21T12:00:00Z"


class Sandbox:
    """One server with its own state: with made-up people, or with nobody."""

    def __init__(self, args, filled):
        command = [ROLECALL, "sandbox", "scim", "--port", "0", "--json", "--token", "bench", "--latency", args.latency]
        command += ["--users", args.users, "--groups", args.groups] if filled else []
        self.child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE)
        said = json.loads(self.child.stdout.readline())
        self.url, self.origin = said["api"], said["listening"]

    def requests(self, forget=False):
        """How many requests there were; forgotten then if asked."""
        request = urllib.request.Request(self.origin + "/sandbox/requests", headers={"Authorization": "Bearer bench"})
        count = json.load(urllib.request.urlopen(request))["count"]
        if forget:
            request.method = "DELETE"
            urllib.request.urlopen(request).read()
        return count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()


def measure(sandbox, folder, *command, codes=(0,)):
    """Wall seconds, peak MiB, requests, and what was said."""
    sandbox.requests(forget=True)
    env = os.environ | {"SCIM_URL": sandbox.url, "SCIM_TOKEN": "bench"}
    begun = time.monotonic()
    child = subprocess.Popen(
        [str(ROLECALL), "--now", NOW, "-f", str(folder), *command],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    said = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        sys.exit(f"rolecall {' '.join(command)}: exit code {code}\n{said[-3000:]}")
    return wall, usage.ru_maxrss / 1024, sandbox.requests(), said


def change(folder, users, groups):
    """Changes one per cent: people come and go and are renamed, and move between groups."""
    people, teams = folder / "people", folder / "teams.yaml"
    share = users // 100
    for file in sorted(people.glob("*.yaml")):
        text = file.read_text()
        for number in range(share):
            name = f"user-{number * 97 % users:05}@sandbox.example"
            text = re.sub(rf"(?m)^(  {re.escape(name)}:\n    name: ).*$", rf"\g<1>Renamed {number}", text)
        file.write_text(text)
    new = "".join(f"  new-{n:05}@sandbox.example: {{name: New {n}}}\n" for n in range(share))
    (people / "new.yaml").write_text("users:\n" + new)
    group = -1
    for file in [teams] if teams.exists() else sorted((folder / "teams").glob("*.yaml")):
        changed = []
        for line in file.read_text().splitlines():
            changed.append(line)
            group += bool(re.match(r"  \S+:$", line))
            if line.strip() == "members:" and group < share:
                changed.append(f"    - new-{group:05}@sandbox.example")
        file.write_text("\n".join(changed) + "\n")


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("users", 10000), ("groups", 500), ("latency", 20), ("concurrency", 8), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    best = {}
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory() as folder, Sandbox(args, True) as filled, Sandbox(args, False) as sandbox:
            folder = Path(folder)
            (folder / "rolecall.yaml").write_text(
                "version: 1\ntargets:\n  people:\n    provider: scim\n    url: ${SCIM_URL}\n"
                "    credentials: {token: \"${SCIM_TOKEN}\"}\n"
                f"    settings: {{concurrency: {args.concurrency}}}\n    manage: authoritative\n"
            )
            rows = {"import": measure(filled, folder, "import", "-t", "people", "--into", str(folder / "live"))}
            declared = folder / "live"
            rows["apply to a server without anything"] = measure(sandbox, declared, "apply", "--auto-approve")
            rows["plan, nothing to do"] = measure(sandbox, declared, "plan")
            change(declared, args.users, args.groups)
            plan = measure(sandbox, declared, "plan", "--json")
            rows["plan of the changes"] = plan
            steps = len(json.loads(plan[3])["targets"][0]["steps"])
            rows[f"apply, {steps} changes"] = measure(sandbox, declared, "apply", "--auto-approve")
            measure(sandbox, declared, "plan", "--detailed-exitcode")
        for name, (wall, memory, requests, _) in rows.items():
            seen = best.get(name, (wall, memory, requests))
            best[name] = (min(wall, seen[0]), max(memory, seen[1]), max(requests, seen[2]))
    print(f"{args.users} users, {args.groups} groups, {args.latency} ms, {args.concurrency} requests at a time\n")
    print("|  | requests | bound s | wall s | of the bound | peak MiB |\n| --- | --- | --- | --- | --- | --- |")
    for name, (wall, memory, requests) in best.items():
        bound = requests * args.latency / 1000 / args.concurrency
        print(f"| {name} | {requests} | {bound:.2f} | {wall:.2f} | {wall / bound:.2f}x | {memory:.0f} |")


if __name__ == "__main__":
    main()
