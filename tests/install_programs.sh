#!/usr/bin/env bash
# What tests run against and pip does not bring: Chromium (the dashboard) and PostgreSQL (the store
# of Dagster's runs). Installs what is missing on Debian and Ubuntu, as root or where sudo asks for
# no password; elsewhere it says what to install. Without them `make test` skips their tests, CI
# fails.
set -uo pipefail
missing=()
if [ -z "${CHROMIUM:-}" ]; then
    command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null || missing+=(chromium)
fi
compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null || command -v pg_ctl >/dev/null || missing+=(postgresql)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing for the tests (once): ${missing[*]}."
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null && exit 0
fi
echo "Not to be had: ${missing[*]}. Their tests are skipped; install what is named to run them." >&2
