#!/usr/bin/env bash
# Reproduces the shipped set `restaurants`, stage by stage. Run again after an interruption, it resumes.
#
#     bash train/run.sh [--data-dir DIR]
#
# Without --data-dir the data comes from the Hub. RUNS (default: runs) is the folder for checkpoints and
# logs, SET the folder of the set. A finished set is left alone: start with an empty RUNS and SET.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-runs}/restaurants
set=${SET:-backbones/sets/restaurants}
prompts=()
if [ "${1:-}" = --data-dir ]; then prompts=(--prompts "$2/e2e/dev.csv"); fi

stage() { echo "$(date +%T) $*"; "$@"; }

stage python -m train.sft "$@" --out "$runs/sft"
[ -f "$set/manifest.json" ] || stage python -m train.quantise "$runs/sft" "$set" "$@"
stage python -m train.backbones "$set" "$@" --work "$runs"
[ -f "$set/front.json" ] || stage python -m train.evaluate "$set" "${prompts[@]}" --out "$set/front.json" --log "$runs/texts.jsonl"
stage python -m train.card "$set"
stage python -m backbones check "$set"
