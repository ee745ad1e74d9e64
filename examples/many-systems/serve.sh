#!/bin/sh
# Serves the systems of this example on this machine, each with its own state, until it is ended; and prints what
# to set for `rolecall -f examples/many-systems/declaration ...`.
set -eu
cd "$(dirname "$0")/../.."
rolecall=${ROLECALL:-target/debug/rolecall}
things=examples/many-systems/sandboxes
token=sandbox
trap 'kill 0' EXIT INT TERM

"$rolecall" sandbox paradime --port 8741 --token $token --key key --things $things/paradime-eu.yaml >/dev/null &
"$rolecall" sandbox paradime --port 8742 --token prdm_wsp_$token --things $things/paradime-finance.yaml >/dev/null &
"$rolecall" sandbox omni --port 8743 --token $token --limit 0 --things $things/omni.yaml >/dev/null &
"$rolecall" sandbox terminusdb --port 8744 --token $token >/dev/null &
"$rolecall" sandbox strongly --port 8745 --token $token --things $things/strongly.yaml >/dev/null &
"$rolecall" sandbox scim --port 8746 --token $token >/dev/null &
cat <<SETTINGS
export ACCESS_DATABASE_URL=sqlite:.rolecall/internal.db
export PARADIME_EU_API_ENDPOINT=http://127.0.0.1:8741/api/v1/sandbox/graphql
export PARADIME_EU_API_KEY=key PARADIME_EU_API_SECRET=$token
export PARADIME_FINANCE_API_ENDPOINT=http://127.0.0.1:8742/api/v1/sandbox/graphql
export PARADIME_FINANCE_TOKEN=prdm_wsp_$token
export OMNI_URL=http://127.0.0.1:8743 OMNI_API_KEY=$token
export TERMINUSDB_URL=http://127.0.0.1:8744 TERMINUSDB_USER=admin TERMINUSDB_PASSWORD=$token
export STRONGLY_URL=http://127.0.0.1:8745 STRONGLY_API_KEY=$token
export SSO_URL=http://127.0.0.1:8746/scim/v2 SSO_SCIM_TOKEN=$token
SETTINGS
wait
