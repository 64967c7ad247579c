#!/bin/sh
# Runs its arguments with a Python that has torch: NIGHTSHIFT_PYTHON, a .venv of this folder, python3, the system's.
has_torch() { "$1" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null; }

if [ -n "$NIGHTSHIFT_PYTHON" ]; then exec "$NIGHTSHIFT_PYTHON" "$@"; fi
for python in .venv/bin/python "${NIGHTSHIFT_SOURCE:-.}/.venv/bin/python" python3 /usr/bin/python3; do
  if has_torch "$python"; then exec "$python" "$@"; fi
done
echo "no Python with torch here. One of these gives one:" >&2
echo "  python3 -m venv .venv && .venv/bin/pip install torch" >&2
echo "  apt-get install python3-torch libopenblas0-pthread   (Debian, Ubuntu; CPU only)" >&2
echo "  NIGHTSHIFT_PYTHON=/path/to/python" >&2
exit 1
