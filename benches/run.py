#!/usr/bin/env python3
"""Measure rolecall against the YAML parser alone, and against its peers, in one run.

    cargo build --release && cargo bench --no-run --bench parser
    python3 benches/run.py [--peers] [--grants 1000,10000,100000] [--octodns PYTHON] [--runs 5]
    cargo bench --no-run --bench difference && python3 benches/run.py --difference 100000
    python3 benches/run.py --git 2000

Every number is of a whole process: CPU seconds (user and system) and peak memory, as the operating
system counts them for the child. The least of several runs is shown, since a busy machine only adds.
Prints Markdown tables. `--octodns` takes a Python that has octodns installed (PyPI); `terraform` is
measured where it is on the PATH.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOW = "2026-11-21T12:00:00Z"


def measure(command, runs, cwd=None, codes=(0,)):
    """The least CPU seconds, wall seconds and the largest peak memory (MiB) of some runs."""
    best = None
    for _ in range(runs):
        begun = time.monotonic()
        child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        code = os.waitstatus_to_exitcode(status)
        if code not in codes:
            sys.exit(f"{command}: exit code {code}\n{errors.decode()[-2000:]}")
        cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        if best is None:
            best = (cpu, wall, memory)
        best = (min(best[0], cpu), min(best[1], wall), max(best[2], memory))
    return best


def bench_binary(name):
    found = [p for p in glob.glob(str(ROOT / f"target/release/deps/{name}-*")) if os.access(p, os.X_OK) and not p.endswith(".d")]
    if not found:
        sys.exit(f"build it first: cargo bench --no-run --bench {name}")
    return max(found, key=os.path.getmtime)


def parser_binary():
    return bench_binary("parser")


def rolecall(folder, *args):
    return [str(ROOT / "target/release/rolecall"), "--now", NOW, "-f", str(folder), *args]


def size(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*.yaml"))


def generate(*args):
    subprocess.run([sys.executable, str(ROOT / "benches/generate.py"), *map(str, args)], check=True, stdout=subprocess.DEVNULL)


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def compare(folder, base, bytes_, runs, label, *args, codes=(0,)):
    cpu, wall, memory = measure(rolecall(folder, *args), runs, codes=codes)
    row(label, f"{cpu:.2f}", f"{cpu / base:.1f}x", f"{wall:.2f}", f"{memory:.0f}", f"{memory * 2**20 / bytes_:.1f}x")


def head():
    row("", "CPU s", "of the parser", "wall s", "peak MiB", "of the input")
    row(*["---"] * 6)


def peers(runs, octodns):
    print("\n### 10,000 users, 1,000 teams, 20,000 memberships, 8,000 grants\n")
    with tempfile.TemporaryDirectory() as temp:
        same, other = Path(temp, "same"), Path(temp, "other")
        generate("peers", same)
        generate("peers", other, "--change", "1%")
        subprocess.run(rolecall(same, "apply", "--auto-approve"), check=True, capture_output=True)
        shutil.copytree(same / ".rolecall", other / ".rolecall")
        bytes_ = size(same)
        head()
        base, wall, memory = measure([parser_binary(), str(same)], runs)
        row(f"the YAML parser alone, {bytes_ / 1e6:.1f} MB", f"{base:.2f}", "1", f"{wall:.2f}", f"{memory:.0f}", f"{memory * 2**20 / bytes_:.1f}x")
        compare(same, base, bytes_, runs, "`rolecall validate`", "validate")
        compare(same, base, bytes_, runs, "`rolecall plan`, nothing to do", "plan", "--detailed-exitcode")
        compare(other, base, bytes_, runs, "`rolecall plan`, 1 % changed", "plan", "--detailed-exitcode", codes=(2, 3))
        if octodns:
            target = Path(temp, "octodns")
            subprocess.run([octodns, str(ROOT / "benches/octodns.py"), str(target)], check=True, stdout=subprocess.DEVNULL)
            sync = str(Path(octodns).parent / "octodns-sync")
            config = target / "octodns.yaml"
            cpu, wall, memory = measure([sync, "--config-file", str(config), "--force", "--quiet"], 1, cwd=target)
            row("`octodns-sync`, 38,000 records, nothing to do", f"{cpu:.2f}", f"{cpu / base:.0f}x", f"{wall:.2f}", f"{memory:.0f}", "")
        if shutil.which("terraform"):
            target = Path(temp, "terraform")
            target.mkdir()
            blocks = (f'resource "terraform_data" "r{n}" {{ input = "value {n}" }}' for n in range(38_000))
            (target / "main.tf").write_text("\n".join(blocks), encoding="utf-8")
            subprocess.run(["terraform", "init"], cwd=target, check=True, capture_output=True)
            subprocess.run(["terraform", "apply", "-auto-approve"], cwd=target, check=True, capture_output=True)
            cpu, wall, memory = measure(["terraform", "plan"], 1, cwd=target)
            row("`terraform plan`, 38,000 `terraform_data`, nothing to do", f"{cpu:.2f}", f"{cpu / base:.0f}x", f"{wall:.2f}", f"{memory:.0f}", "")
        else:
            print("\n`terraform` is not on this machine.")


def grants(sizes, runs):
    for n in sizes:
        print(f"\n### {n:,} users, {10 * n:,} grants\n")
        with tempfile.TemporaryDirectory() as temp:
            folder = Path(temp, "grants")
            generate("grants", n, folder)
            # In a process of its own: a child counts the memory of the one that made it as its own.
            seed = [sys.executable, str(ROOT / "benches/seed.py"), str(folder), *rolecall("FOLDER", "apply", "--auto-approve")]
            subprocess.run(seed, check=True)
            bytes_ = size(folder)
            head()
            some = runs if n < 100_000 else max(1, runs // 2)
            base, wall, memory = measure([parser_binary(), str(folder)], some)
            row(f"the YAML parser alone, {bytes_ / 1e6:.1f} MB", f"{base:.2f}", "1", f"{wall:.2f}", f"{memory:.0f}", f"{memory * 2**20 / bytes_:.1f}x")
            compare(folder, base, bytes_, some, "`rolecall validate`", "validate")
            compare(folder, base, bytes_, some, "`rolecall plan`, nothing to do", "plan", "--detailed-exitcode")


def git(commits, runs):
    """`plan --base` on the two recorded states of Kubernetes, and `blame` over a long history of their files."""
    print(f"\n### The two states of Kubernetes, and {commits:,} commits between them\n")
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp, "history")
        subprocess.run([sys.executable, str(ROOT / "benches/history.py"), str(folder), str(commits)], check=True, stdout=subprocess.DEVNULL)
        ask = lambda *args: subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.split()
        first = ask("rev-list", "--max-parents=0", "HEAD")[0]
        print(f"{len(list(folder.rglob('*.yaml')))} files, {len(ask('rev-list', 'HEAD')):,} commits\n")
        row("", "CPU s", "wall s", "peak MiB")
        row(*["---"] * 4)
        user = "p00056347@people.example"
        for label, args in (
            ("`rolecall plan --base` the first commit", ("plan", "--base", first)),
            ("`rolecall blame`, all eight targets", ("blame",)),
            ("`rolecall blame --target kubernetes`", ("blame", "--target", "kubernetes")),
            ("`rolecall blame USER`", ("blame", user)),
        ):
            cpu, wall, memory = measure(rolecall(folder, *args), runs)
            row(label, f"{cpu:.2f}", f"{wall:.2f}", f"{memory:.0f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peers", action="store_true")
    options.add_argument("--grants", default="")
    options.add_argument("--difference", default="", help="what the access difference adds, for so many users")
    options.add_argument("--git", type=int, default=0, help="a history of so many commits")
    options.add_argument("--octodns", default="")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    if given.peers:
        peers(given.runs, given.octodns)
    grants([int(n) for n in given.grants.split(",") if n], given.runs)
    if given.git:
        git(given.git, given.runs)
    for users in given.difference.split(","):
        if users:
            subprocess.run([bench_binary("difference"), users], check=True)
