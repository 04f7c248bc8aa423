#!/bin/sh
# install.sh LOCK: what a locked file lists, into .venv, each archive held against its hashes.
#
# By uv, which takes a third of pip's time: the one that is there, else a locked one, which pip fetches as it would the
# rest, into a folder that nothing is imported from. By pip where uv fails: pip's own settings may name an index, a proxy
# or a certificate that uv knows nothing of.
set -eu
lock=$1
bin=.venv/bin
uv=$(command -v uv || echo .venv/uv/bin/uv)

by_pip() {
    "$bin/pip" install --quiet --disable-pip-version-check --no-compile --require-hashes "$@"
}

by_uv() {
    { [ -x "$uv" ] || by_pip --target .venv/uv -r envs/uv.lock; } &&
        "$uv" pip install --quiet --python "$bin/python" --require-hashes -r "$lock"
}

by_uv || {
    echo "uv did not install $lock (see above); trying pip, which takes longer"
    by_pip -r "$lock"
}
# On all cores, and without the packages' own tests, which are half of it. Not left to the first import: where Python is
# told to write no bytecode, every job would compile anew what it imports.
site=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$bin/python" -m compileall -q -j 0 -x '/tests/' "$site"
