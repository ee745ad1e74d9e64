"""Runs scim2-tester, a compliance tester for SCIM servers that is not ours, against the SCIM sandbox.

    cargo build && python3 tests/python/check_scim_sandbox.py

Serves target/debug/rolecall on a free port, as it is and with features switched off, and fails where the
tester reports an error, where it tested less than it did when this was written, or where the server does
not end cleanly.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from others import installed

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/rolecall"
TOKEN = "canary-5c1d"

# The name of a run, its faults, how many checks must succeed at least, and how many may be skipped because
# the server says that it does not do what they are about.
RUNS = [
    ("as it is", [], 130, 0),
    ("without PATCH", ["no-patch"], 45, 6),
    ("without filters, sorting, Bulk and entity tags", ["no-filter", "no-sort", "no-bulk", "no-etag"], 130, 0),
]


def run(program, folder, faults, least, skips):
    """One run: the problems that were found."""
    state = Path(folder) / "state.db"
    command = [BINARY, "sandbox", "scim", "--port", "0", "--state", state, "--json"]
    for fault in faults:
        command += ["--fault", fault]
    environment = {"PATH": os.environ["PATH"], "ROLECALL_SANDBOX_TOKEN": TOKEN}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    problems = []
    try:
        line = server.stdout.readline()
        if not line:
            return [f"the sandbox does not start: {server.stderr.read()}"]
        url = json.loads(line)["api"]
        client = {**os.environ, "SCIM_CLI_HEADERS": f"Authorization: Bearer {TOKEN}", "NO_COLOR": "1", "COLUMNS": "200"}
        done = subprocess.run([program, "--url", url, "test", "-v"], env=client, capture_output=True, text=True)
    finally:
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=60)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    # A line for each check, with what it says indented below it.
    checks = re.findall(r"^([A-Z]{4,}) (\w+)$((?:\n(?![A-Z]{4,} \w+$).*)*)", said, re.MULTILINE)
    by_status = {}
    for status, title, text in checks:
        by_status.setdefault(status, []).append(f"{title}{text[:1000]}")
    succeeded, skipped = by_status.pop("SUCCESS", []), by_status.pop("SKIPPED", [])
    for status, failures in by_status.items():
        problems += [f"{status} {failure}" for failure in failures]
    # The tester's own verdict; it takes a skipped check for a failure.
    if done.returncode != 0 and not skipped and not problems:
        problems.append(f"the tester ended with {done.returncode}:\n{said[-2000:]}")
    if len(succeeded) < least or len(skipped) > skips:
        problems.append(f"{len(succeeded)} checks succeeded (at least {least} should), {len(skipped)} were skipped "
                        f"(at most {skips} should):\n{said[-2000:]}")
    if server.returncode != 0 or errors:
        problems.append(f"the sandbox ended with {server.returncode}: {errors}")
    if TOKEN in line + rest + errors or TOKEN.encode() in state.read_bytes():
        problems.append("the token was written somewhere")
    failed = sum(len(failures) for failures in by_status.values())
    print(f"{', '.join(faults) or 'no faults'}: {len(succeeded)} checks succeeded, {len(skipped)} skipped, {failed} failed")
    return problems


def main():
    program = installed("scim2-tester") / "scim2"
    problems = []
    for name, faults, least, skips in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            problems += [f"{name}: {problem}" for problem in run(program, folder, faults, least, skips)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
