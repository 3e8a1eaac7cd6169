#!/usr/bin/env bash
# One stage of run.sh, in the unpacked tree: bash stages.sh NAME. Exits with 77 where it is skipped, after the reason.
set -euo pipefail

skip() {
  echo "$1"
  exit 77
}
# Compute capabilities, as 90; nothing where there is no GPU.
gpus() {
  nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null |
    sed -n 's/^\([0-9]*\)\.\([0-9]\)$/\1\2/p' | sort -u || true
}
every_kernel=scripts/gpu-kit/every-kernel.mjs

info() {
  local program
  if [[ -n $(gpus) ]]; then nvidia-smi; else echo "no GPU"; fi
  for program in nvcc "${CXX:-c++}" cmake ninja make node compute-sanitizer ncu; do
    echo "--- $program: $(command -v "$program" || echo missing)"
    "$program" --version 2>/dev/null | grep -m 1 '[0-9]\.[0-9]' || true
  done
  echo "--- $(uname -srm), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
}

# What cmake-js does, which may download; node-api-headers has all that is needed.
build() {
  local options=(-DCMAKE_BUILD_TYPE=Release -DSCALOSS_CUDA=ON) architectures
  options+=("-DCMAKE_JS_INC=$(node -p "require('node-api-headers').include_dir")")
  options+=("-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$PWD/build/Release")
  if command -v ninja >/dev/null; then options+=(-G Ninja); fi
  architectures=$(gpus | sed 's/$/-real/' | paste -sd ';')
  if [[ -n $architectures ]]; then options+=("-DSCALOSS_CUDA_ARCHITECTURES=$architectures;75-virtual"); fi
  cmake -S . -B build "${options[@]}"
  cmake --build build --parallel "$(nproc)" --verbose
  # Lets the driver compile the kernels that come as PTX, once for all processes to come.
  if [[ -n $architectures ]]; then time node "$every_kernel"; fi
}

vitest=(node node_modules/vitest/vitest.mjs run --testTimeout=120000 --reporter=default)
# Those of the CPU's arithmetic, threads and memory: another compiler built them, for another processor.
cpu_suites=(test/backends test/calls test/cpu test/golden)

# The suites of the CPU come last and see no GPU.
run_tests() {
  local gpu='' code=0
  export NO_COLOR=1
  if [[ -n $(gpus) ]]; then gpu=required; fi
  SCALOSS_GPU=$gpu "${vitest[@]}" --project=GPU --reporter=json --outputFile.json="$OUT/test.json" || code=$?
  gzip --force "$OUT/test.json"
  CUDA_VISIBLE_DEVICES='' "${vitest[@]}" --project=package "${cpu_suites[@]}" || code=$?
  if ((code)); then return "$code"; fi
  if [[ -z $gpu ]]; then skip "no device (the suites of the CPU passed)"; fi
}

# Four tools at a time: each of them leaves most of the GPU idle.
sanitize() {
  local tool logs tools=(memcheck racecheck initcheck synccheck) failed=0
  declare -A pid options=([memcheck]="--track-stream-ordered-races all")
  command -v compute-sanitizer >/dev/null || skip "compute-sanitizer is missing"
  [[ -n $(gpus) ]] || skip "no device"
  logs=$(mktemp -d)
  for tool in "${tools[@]}"; do
    # shellcheck disable=SC2086 # words
    timeout --kill-after=4 80 compute-sanitizer --tool "$tool" ${options[$tool]:-} --target-processes all \
      --error-exitcode 9 --print-limit 20 node "$every_kernel" >"$logs/$tool" 2>&1 &
    pid[$tool]=$!
  done
  for tool in "${tools[@]}"; do
    wait "${pid[$tool]}" && code=0 || code=$?
    echo "--- $tool: exit code $code"
    cat "$logs/$tool"
    if ((code)); then failed=1; fi
  done
  return $failed
}

bench() {
  [[ -e bench/gpu/run.mjs ]] || skip "bench/gpu/run.mjs is missing"
  [[ -n $(gpus) ]] || skip "no device"
  node bench/gpu/run.mjs --out "$OUT" --commit "$COMMIT"
}

profile() {
  command -v ncu >/dev/null || skip "ncu is missing"
  [[ -n $(gpus) ]] || skip "no device"
  # The last of three launches, with the clocks as they are.
  ncu --clock-control none --target-processes all --set full --page details \
    --kernel-name regex:box_loss --launch-skip 2 --launch-count 1 \
    node -e '
      const device = require("./dist/index.js").cuda.device(0)
      const random = () => new Float32Array(4 << 24).map((_, i) => (i % 4 < 2 ? 0 : 100) + 50 * Math.random())
      const [pred, target] = [device.tensor(random()), device.tensor(random())]
      for (let i = 0; i < 3; ++i) device.boxLoss("sca", pred, target).loss.read()'
}

case $1 in
  test) run_tests ;;
  info | build | sanitize | bench | profile) "$1" ;;
esac
