#!/usr/bin/env bash
# run.sh [PYTEST ARGUMENT]...: looks at results/report.html in a real headless Chromium.
#
# Installs playwright into .venv if missing, and Chromium if there is none: Debian's package (as root), else the build
# that playwright brings, which it downloads itself. CEVNSI_CHROMIUM names another one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
bin=$repository/.venv/bin

"$bin/python" -c 'import playwright' 2>/dev/null ||
    "$bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$repository/envs/browser.lock"

find_chromium() {
    for program in chromium chromium-browser google-chrome; do
        command -v "$program" && return
    done
    return 1
}

if [ -z "${CEVNSI_CHROMIUM:-}" ] && ! CEVNSI_CHROMIUM=$(find_chromium); then
    if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
        echo "installing the packages chromium and fonts-dejavu-core"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
        CEVNSI_CHROMIUM=$(find_chromium)
    else
        echo "no Chromium here: playwright downloads its own"
        "$bin/playwright" install chromium
        CEVNSI_CHROMIUM=
    fi
fi
export CEVNSI_CHROMIUM
cd "$repository"
CEVNSI_REPORT=${CEVNSI_REPORT:-$repository/results/report.html} exec "$bin/python" -m pytest -v "$@" "$here"
