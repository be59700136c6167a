#!/usr/bin/env bash
# Reproduces the shipped sets, stage by stage. Run again after an interruption, it resumes.
#
#     bash train/run.sh [--data-dir DIR]
#
# Without --data-dir the data comes from the Hub, as all-MiniLM-L6-v2 does, unless MINILM is its folder. SMOLLM2 is the
# folder of the base of `silver-lining` where that is not to be fetched: SmolLM2-135M-Instruct in NF4, made of the GGUF
# file that train/silver-lining-base.json pins. RUNS (default: runs) is the folder for checkpoints and logs, SETS
# (default: backbones/sets) that of the sets. JOBS (default: 1) adapters are trained at once, each with an equal share
# of the cores; as many processes share out texts, but no more than there are GPUs, if any. SEEDS (default: 2) is how
# many training seeds an adapter of `silver-lining` is the average of. A finished stage is left alone, but for the short
# last ones of a set: start with an empty RUNS and SETS.
set -euo pipefail
cd "$(dirname "$0")/.."

data=("$@")
runs=${RUNS:-runs} sets=${SETS:-backbones/sets} jobs=${JOBS:-1}
two=$sets/restaurants three=$sets/restaurants-3
count=${SEEDS:-2}
[ "$count" -ge 2 ] || { echo "SEEDS is $count: an average needs two or more" >&2; exit 2; }
threads=$(($(nproc) / jobs > 0 ? $(nproc) / jobs : 1))
# Here, and not where it is used hours later: without a network it ends at once, with what to do.
smollm2=${SMOLLM2:-$(python -m backbones fetch train/silver-lining-base.json | sed -n 's/^.*: the base is in //p')}

stage() { echo "$(date +%T) $*"; "$@"; }

# adapters SET WORK [OPTION...]: trains every adapter of the set, $jobs at once
adapters() {
    local set=$1 work=$2
    shift 2
    echo "$(date +%T) adapters of $set in $work $*"
    mkdir -p "$work"
    python -m train.tune "$set" --list "$@" |
        OMP_NUM_THREADS=$threads xargs -P "$jobs" -I{} sh -c '"$@" > "$0" 2>&1 || { tail "$0"; exit 255; }' "$work/{}.log" \
            python -m train.tune "$set" "${data[@]}" --work "$work" --only {} "$@"
}

# spread MODULE ARGUMENT...: one process per job, but no two on one GPU, which NCCL refuses (--multi_gpu is the launcher
# of several processes, on CPUs too)
spread() {
    local several=() processes=$jobs gpus
    gpus=$(python -c 'import torch; print(torch.cuda.device_count())')
    if [ "$gpus" -gt 0 ] && [ "$gpus" -lt "$jobs" ]; then processes=$gpus; fi
    if [ "$processes" -gt 1 ]; then several=(--multi_gpu); fi
    stage accelerate launch "${several[@]}" --num_processes "$processes" --num_machines 1 --mixed_precision no \
        --dynamo_backend no --num_cpu_threads_per_process "$threads" -m "$@"
}

# pilot SET WORK: beta, by the front after 20 % of the steps
pilot() {
    local set=$1 work=$2 beta
    if [ -f "$set/pilot.json" ]; then return; fi
    for beta in 0.6 0.7 0.8; do
        adapters "$set" "$work/pilot/beta-$beta" --beta "$beta" --steps 40 --kinds backbone
    done
    spread train.pilot beta "$set" --work "$work/pilot" "${data[@]}"
}

# extrapolation SET WORK [OPTION...]: the strengths of both methods, on pilot prompts
extrapolation() {
    local set=$1 work=$2
    shift 2
    grep -qs '"extrapolation"' "$set/pilot.json" ||
        spread train.pilot extrapolation "$set" --work "$work/pilot" "${data[@]}" "$@"
}

# front SET WORK [OPTION...]: extrapolation, front, texts to open with, card
front() {
    local set=$1 work=$2
    shift 2
    extrapolation "$set" "$work"
    [ -f "$set/front.json" ] ||
        spread train.evaluate "$set" "${data[@]}" --out "$set/front.json" --log "$work/texts" "$@"
    stage python -m train.sweep "$set"
    stage python -m train.card "$set"
    stage python -m backbones check "$set"
}

stage python -m train.sft --task restaurants "${data[@]}" --out "$runs/sft"
stage python -m train.classifier "${data[@]}" --out "$runs/upbeat"
[ -f "$two/manifest.json" ] || stage python -m train.new_set "$runs/sft" "$two" --task restaurants "${data[@]}"
[ -f "$three/manifest.json" ] || stage python -m train.new_set "$two/base" "$three" --task restaurants "${data[@]}" \
    --objectives complete concise upbeat="$runs/upbeat"

for set in "$two" "$three"; do
    work=$runs/$(basename "$set")
    pilot "$set" "$work"
    adapters "$set" "$work"
    stage python -m train.tune "$set" "${data[@]}" --work "$work"
done

# Two more training seeds for backbones and specialists of `restaurants`, with the beta that its pilot chose.
seeds=()
for seed in 1 2; do
    again=$runs/restaurants/seed-$seed
    options=(--kinds backbone specialist --seed "$seed")
    if [ ! -f "$again/front.json" ]; then
        mkdir -p "$again/set"
        cp -r "$two/." "$again/set"
        adapters "$again/set" "$again" "${options[@]}"
        stage python -m train.tune "$again/set" "${data[@]}" --work "$again" "${options[@]}"
        spread train.evaluate "$again/set" "${data[@]}" --out "$again/front.json" --log "$again/texts" \
            --methods bone-soup bone-soup-anchored rewarded-soup
    fi
    seeds+=("$again/front.json")
done

front "$two" "$runs/restaurants" --seeds "${seeds[@]}"
front "$three" "$runs/restaurants-3"

# `silver-lining`: adapters that begin at one which was tuned on texts for its thoughts, with a judge of sense beside the
# rewards, each the average of several seeds. What is shipped was trained on a GPU, of seeds 0 and 2 (backbones) and 1 and
# 2 (specialists) and without an oracle at even weights; docs/training.md says why. Two cores take hours for it.
silver=$sets/silver-lining work=$runs/silver-lining base=$smollm2
minilm=(${MINILM:+--minilm "$MINILM"})
texts=train/reframe/texts.tsv kinds=train/reframe/kinds.tsv
stage python -m train.start --task reframe --base "$base" "${data[@]}" --texts "$texts" "$kinds" \
    --epochs 1.5 --out "$work/start"
stage python -m train.reframe.bright "${data[@]}" --texts "$texts" "${minilm[@]}" --out "$work/bright"
stage python -m train.reframe.true --base "$base" "${data[@]}" --texts "$texts" "${minilm[@]}" --out "$work/true"
stage python -m train.sense --task reframe --base "$base" --start "$work/start" "${data[@]}" \
    --marks train/reframe/marks.tsv --texts "$texts" "$kinds" --out "$work/sense"
[ -f "$silver/manifest.json" ] || stage python -m train.new_set "$base" "$silver" --task reframe "${data[@]}" \
    --title "Silver lining: bright and true" --prompts 256 --start "$work/start" \
    --objectives bright="$work/bright" true="$work/true"
options=(--beta 0.8 --oracles 0.5,0.5 --prompts 16 --at-once 32 --steps 25 --max-new-tokens 48 --temperature 0.8)
options+=(--kl 0.1 --sense "$work/sense" --other-prompts "$kinds")
for seed in $(seq "$count"); do
    adapters "$silver" "$work/seed-$seed" "${options[@]}" --seed "$seed"
done
names=$(python -m train.tune "$silver" --list "${options[@]}")
for name in $names; do
    [ -f "$work/$name/hyperparameters.json" ] ||
        stage python -m train.average "$work/$name" $(seq -f "$work/seed-%g/$name" "$count")
done
stage python -m train.tune "$silver" "${data[@]}" --work "$work" "${options[@]}"
extrapolation "$silver" "$work" --count 50
front "$silver" "$work" --samples 1 "${minilm[@]}"

stage python -m train.tables docs/results.md --sets "$sets"
