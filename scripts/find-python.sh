#!/bin/sh
# Print the newest working Python that this project supports; with --all, print the folder of
# each, newest first, for a PATH on which tox finds them.
#
# Each candidate is tried, not only found: a pyenv shim is on PATH and may still refuse to run,
# and Debian's python3 has no ensurepip until python3-venv is installed.

set -u

OLDEST=11
NEWEST=14
PYENV="${PYENV_ROOT:-$HOME/.pyenv}"

# Print the interpreter's own path if "$1" runs, can make environments, and is minor version $2.
works() {
    "$1" -c '
import sys
import ensurepip, sqlite3, venv
if sys.version_info[:2] != (3, int(sys.argv[1])):
    sys.exit(1)
print(sys.executable)
' "$2" 2>/dev/null
}

# Print the interpreter for minor version $1, if there is one.
find_minor() {
    for candidate in "python3.$1" python3 "$PYENV/versions/3.$1".*/bin/python3; do
        works "$candidate" "$1" && return 0
    done
    return 1
}

minor=$NEWEST
found=
while [ "$minor" -ge "$OLDEST" ]; do
    if python=$(find_minor "$minor"); then
        found=yes
        if [ "${1:-}" != --all ]; then
            echo "$python"
            exit 0
        fi
        dirname "$python"
    fi
    minor=$((minor - 1))
done

if [ -z "$found" ]; then
    echo "No working Python 3.$OLDEST to 3.$NEWEST was found (with venv and sqlite3)." >&2
    echo "Install one (Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python" >&2
    exit 1
fi
