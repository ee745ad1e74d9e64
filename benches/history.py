#!/usr/bin/env python3
"""Write a Git repository with a long history of the example of Kubernetes, always the same.

    history.py OUT [COMMITS]     2,000 commits without a number

The first commit has the earlier recorded state. Each further one rewrites a line or a few of one file, or
takes a piece of what separates the two states: every fifth comes by a merge ("Merge pull request #N"), the
others as squashed ("... (#N)"), by forty authors over four years. The last one has the later state, with
comments behind the lines that were rewritten. Needs `git`.
"""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONVERT = ROOT / "examples/kubernetes-org/convert.py"
BEGUN = 1_640_995_200  # 2022-01-01
MASK = 0xFFFFFFFFFFFFFFFF


def mix(*words):
    state = 0x9E3779B97F4A7C15
    for word in words:
        state = ((state ^ word) * 0xBF58476D1CE4E5B9) & MASK
        state ^= state >> 29
    return state


def files(state):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(CONVERT), state, folder], check=True, stdout=subprocess.DEVNULL)
        found = sorted(p for p in Path(folder).rglob("*") if p.is_file())
        return {str(p.relative_to(folder)): p.read_text(encoding="utf-8").splitlines() for p in found}


def pieces(earlier, later):
    """What separates two states, from the end of each file to its beginning: places stay right that way."""
    for path in sorted(earlier.keys() | later.keys()):
        old, new = earlier.get(path, []), later.get(path, [])
        for tag, a, b, c, d in reversed(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()):
            if tag != "equal":
                yield path, a, b, new[c:d]


def history(out, commits):
    state = {path: list(lines) for path, lines in files("earlier").items()}
    later = files("later")
    parts = list(pieces(state, later))
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(out)], check=True)
    stream = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=out, stdin=subprocess.PIPE)
    write = lambda text: stream.stdin.write(text.encode())

    def blob(path):
        data = "\n".join(state[path]).encode() + b"\n"
        write(f"M 100644 inline {path}\ndata {len(data)}\n")
        stream.stdin.write(data + b"\n")

    def commit(mark, branch, number, subject, parents):
        who = mix(number, 1) % 40
        person = f"Person {who} <person-{who}@people.example> {BEGUN + number * 63_072} +0000"
        write(f"commit {branch}\nmark :{mark}\nauthor {person}\ncommitter {person}\n")
        write(f"data {len(subject)}\n{subject}\n")
        if parents:
            write(f"from :{parents[0]}\n")
        for other in parents[1:]:
            write(f"merge :{other}\n")

    commit(1, "refs/heads/main", 0, "The organizations as they are", [])
    for path in state:
        blob(path)
    mark, head, number, taken = 1, 1, 0, 0
    # The pieces first change where lines are, so they come when no line has been rewritten yet, one after the
    # other among commits to files that are done.
    while mark < commits:
        number += 1
        left = len(parts) - taken
        if left and (mix(number, 2) % max(1, (commits - mark)) < left):
            path, a, b, lines = parts[taken]
            taken += 1
            state.setdefault(path, [])[a:b] = lines
        else:
            done = sorted(set(state) - {p for p, *_ in parts[taken:]})
            paths = [p for p in done if p.endswith(".yaml") and len(state[p]) > 8]
            path = paths[mix(number, 3) % len(paths)]
            lines = state[path]
            at = mix(number, 4) % len(lines)
            for line in range(at, min(at + 1 + mix(number, 5) % 3, len(lines))):
                if lines[line].endswith("}") or lines[line].endswith("]"):
                    lines[line] += f"  # {number}"
                elif "}  # " in lines[line] or "]  # " in lines[line]:
                    lines[line] = lines[line].rsplit("  # ", 1)[0] + f"  # {number}"
        subject = f"Change {Path(path).name}"
        merged = number % 5 == 0 and mark + 2 <= commits
        mark += 1
        if merged:
            commit(mark, "refs/heads/work", number, subject, [head])
            blob(path)
            mark += 1
            commit(mark, "refs/heads/main", number, f"Merge pull request #{number} from people/work", [head, mark - 1])
        else:
            commit(mark, "refs/heads/main", number, f"{subject} (#{number})", [head])
        blob(path)
        head = mark
    stream.stdin.close()
    if stream.wait() != 0:
        sys.exit("git fast-import failed")
    subprocess.run(["git", "checkout", "--quiet", "main", "--force"], cwd=out, check=True)
    if taken < len(parts):
        sys.exit(f"{len(parts) - taken} pieces are not in: more commits are needed")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    history(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 2000)
