#!/bin/sh
# Measures the CPU preset by hand: sh measure.sh '{}' '{"lr":0.003}' ... prints val_bpb of each configuration.
here=$(cd "$(dirname "$0")" && pwd)
for config in "$@"; do
  folder=$(mktemp -d)
  printf '%s' "$config" > "$folder/config.json"
  (
    cd "$folder" || exit 1
    export NIGHTSHIFT_PRESET=cpu OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
    export NIGHTSHIFT_CONFIG="$folder/config.json" NIGHTSHIFT_SOURCE="$here"
    sh "$here/python.sh" "$here/train.py" > train.log 2>&1 && sh "$here/python.sh" "$here/evaluate.py" > evaluate.log 2>&1
    echo "$config  $(grep -h -E '^(FAIL|val_bpb|num_steps|total_seconds)' train.log evaluate.log 2>/dev/null | tr -s ' ' | tr '\n' ' ')"
  )
  rm -rf "$folder"
done
