#!/usr/bin/env bash
# Builds, tests and measures on a GPU host that has no Node and no network: bash run.sh [stage ...], see docs/gpu.md.
# Logs and JSON go to $OUT, or to ./gpu-out.
set -uo pipefail

readonly default_stages=(info build test sanitize bench)
# Seconds; together with unpacking less than 10 minutes.
declare -rA limit=([info]=10 [build]=90 [test]=130 [sanitize]=90 [bench]=260 [profile]=90)
# Eight files come back in all: these, test.json.gz, gpu.json and gpu.md.
declare -rA log_of=([info]=build [build]=build [test]=test [sanitize]=sanitize [bench]=bench [profile]=profile)
readonly largest_log=$((15 << 20))

stages=("$@")
((${#stages[@]})) || stages=("${default_stages[@]}")
for stage in "${stages[@]}"; do
  [[ -v limit[$stage] ]] && continue
  echo "run.sh: no stage $stage; there are: info build test sanitize bench profile" >&2
  exit 2
done

kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${OUT:=gpu-out}"
OUT=$(cd "$OUT" && pwd)
hash=$(sed -n 's/^sha256 //p' "$kit/MANIFEST")
COMMIT=$(sed -n 's/^commit //p' "$kit/MANIFEST")
scratch=${TMPDIR:-/tmp}/scaloss-gpu-${hash:0:12}
export OUT COMMIT HOME=${HOME:-$scratch}
# The driver keeps there what it compiles from PTX.
export CUDA_CACHE_PATH=$scratch/ptx
export PATH=$scratch/bin:$PATH:/usr/local/cuda/bin:/usr/local/nvidia/bin

# Kept for the next call, so that a stage can run alone without building again.
if [[ ! -e $scratch/unpacked ]]; then
  sha256sum --check --quiet <<<"$hash  $kit/scaloss.tar.gz" || exit 1
  rm -rf "$scratch" && mkdir -p "$scratch" || exit 1
  tar -xzf "$kit/scaloss.tar.gz" -C "$scratch" --no-same-owner && touch "$scratch/unpacked" || exit 1
fi
cd "$scratch/scaloss" || exit 1

if [[ ! -e build/Release/scaloss.node && " ${stages[*]} " != *" build "* && "${stages[*]}" != info ]]; then
  stages=(build "${stages[@]}")
fi

cut_log() { # cut_log FILE: its beginning and its end, if it is too long
  (($(stat -c %s "$1") > largest_log)) || return
  { head -c $((5 << 20)) "$1"; printf '\n[...]\n'; tail -c $((9 << 20)) "$1"; } >"$1.cut"
  mv "$1.cut" "$1"
}

# How a stage ended: 0, or 77 for skipped, with the reason as the last line of its log.
summary=$(printf '%-9s %7s  %s\n' stage seconds status)
failed=0
for stage in "${stages[@]}"; do cat "$kit/MANIFEST" >"$OUT/${log_of[$stage]}.log"; done
for stage in "${stages[@]}"; do
  log=$OUT/${log_of[$stage]}.log
  printf -- '--- %s\n' "$stage" | tee -a "$log"
  start=$SECONDS
  timeout --kill-after=10 "${limit[$stage]}" bash scripts/gpu-kit/stages.sh "$stage" >>"$log" 2>&1
  code=$?
  case $code in
    0) status=ok ;;
    77) status="skipped: $(tail -n 1 "$log")" ;;
    124 | 137) status="failed: more than ${limit[$stage]} s" ;;
    *) status="failed: exit code $code" ;;
  esac
  if [[ $status == failed* ]]; then
    failed=1
    tail -n 25 "$log"
  fi
  cut_log "$log"
  summary+=$'\n'$(printf '%-9s %7d  %s' "$stage" $((SECONDS - start)) "$status")
done

printf '\n%s\n\nresults: %s\n' "$summary" "$OUT"
exit $failed
