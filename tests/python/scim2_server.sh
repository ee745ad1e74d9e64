#!/bin/sh
# Installs a SCIM 2.0 server that others have written into target/scim-venv, once: contract tests run
# against it. Needs Python 3 and PyPI.
set -eu
cd "$(dirname "$0")/../.."
venv=target/scim-venv
[ -x "$venv/bin/scim2-server" ] && exit 0
mkdir -p target
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'scim2-server[cursor]==0.8.3'
