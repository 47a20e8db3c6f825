#!/usr/bin/env bash
# Builds, tests and measures what needs a GPU, on a bare machine that has one, nvcc, CMake and PyTorch for CUDA: no Node, no
# network, less than ten minutes (LIMIT, 590 s: what there is no time left for is said to be not run). Results go as Markdown, to
# be pasted into bench/RESULTS.md, to OUT/gpu-check.md, logs beside it.
#   scripts/gpu-check.sh --pack                      before: puts headers that such a machine may lack into .gpu-check (1 MB)
#   scripts/gpu-check.sh                             there, in the working tree with .gpu-check carried along
#   MEDLSAM_TEST_DEVICE=cpu scripts/gpu-check.sh     the same on a machine without a GPU, to see that it builds and runs
set -uo pipefail
cd "$(dirname "$0")/.." || exit
carried=.gpu-check
device=${MEDLSAM_TEST_DEVICE:-cuda}
out=${OUT:-gpu-check}
build=${BUILD:-build-gpu}
python=${PYTHON:-python3}
jobs=${JOBS:-$(nproc)}

# The first folder that holds a header.
folder_of() {
  local header=$1
  shift
  for folder in "$@"; do
    if [ -e "$folder/$header" ]; then
      echo "$folder"
      return
    fi
  done
}
caches=("${XDG_CACHE_HOME:-$HOME/.cache}/medlsam")

if [ "${1:-}" = --pack ]; then
  doctest=$(folder_of doctest/doctest.h "${DOCTEST_INCLUDE_DIR:-}" /usr/include /usr/local/include "${caches[@]/%//doctest-dev-system/usr/include}")
  zlib=$(folder_of zlib.h /usr/include /usr/local/include "${caches[@]/%//zlib1g-dev-system/usr/include}")
  if [ -z "$doctest" ] || [ -z "$zlib" ]; then
    echo "gpu-check: doctest/doctest.h or zlib.h is not on this machine: configure the C++ tests once, which fetches them." >&2
    exit 1
  fi
  mkdir -p $carried/include/doctest
  cp "$doctest/doctest/doctest.h" $carried/include/doctest/
  cp "$zlib/zlib.h" "$(folder_of zconf.h "$zlib" "$zlib"/*-linux-gnu)/zconf.h" $carried/include/
  du -sh $carried
  exit 0
fi

mkdir -p "$out"
report=$out/gpu-check.md
: > "$report"
say() { printf '%s\n' "$*" | tee -a "$report"; }
failed=()
limit_of_all=${LIMIT:-590}

# step NAME SECONDS COMMAND…: runs it with a limit, and no longer than there is time; its output goes to a log, and the end of
# it is shown if it fails.
step() {
  local name=$1 limit=$2 begun=$SECONDS status left=$((limit_of_all - SECONDS))
  shift 2
  if [ "$left" -lt 10 ]; then
    failed+=("$name (not run)")
    say "- $name: NOT RUN, no time is left"
    return 1
  fi
  timeout "$((left < limit ? left : limit))" "$@" > "$out/$name.log" 2>&1
  status=$?
  if [ $status = 0 ]; then
    say "- $name: passed, $((SECONDS - begun)) s"
  else
    failed+=("$name")
    say "- $name: FAILED with $status after $((SECONDS - begun)) s"
    tail -n 25 "$out/$name.log"
  fi
  return $status
}

# table NAME SECONDS COMMAND…: the same, and the Markdown rows of its output go into the report.
table() {
  local name=$1
  step "$@"
  say ""
  grep '^|' "$out/$name.log" 2> /dev/null | tee -a "$report"
  say ""
}

say "# Check on a GPU"
say ""
say "$(date -u +%Y-%m-%d), $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2> /dev/null || echo "no GPU"),"
say "$(nvcc --version 2> /dev/null | tail -n 2 | head -n 1), PyTorch $($python -c 'import torch; print(torch.__version__)'), $(nproc) cores"
say ""

libtorch=${LIBTORCH:-$($python -c 'import os, torch; print(os.path.dirname(torch.__file__))')}
settings=(-S . -DCMAKE_BUILD_TYPE=Release -DMEDLSAM_ADDON=OFF)
if command -v ninja > /dev/null; then settings+=(-G Ninja); fi
if [ -e $carried/include/doctest/doctest.h ]; then settings+=("-DDOCTEST_INCLUDE_DIR=$PWD/$carried/include"); fi
if [ ! -e /usr/include/zlib.h ] && [ -e $carried/include/zlib.h ]; then
  library=$(ldconfig -p | awk '/libz\.so\.1 /{print $NF; exit}')
  settings+=("-DZLIB_INCLUDE_DIR=$PWD/$carried/include" "-DZLIB_LIBRARY=$library")
fi
kernels=$build-cuda
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d .)

# build FOLDER TARGETS SETTINGS…: configures and builds with half of the processors, as both plugins are built at once.
build() {
  local folder=$1 targets=$2
  shift 2
  # shellcheck disable=SC2086
  timeout 120 cmake "${settings[@]}" -B "$folder" "$@" &&
    timeout "$((limit_of_all * 2 / 3))" cmake --build "$folder" --parallel "$(((jobs + 1) / 2))" --target $targets
}
torch_targets="medlsam_torch medlsam_torch_tests medlsam_networks_bench medlsam_scan_bench"
cuda_targets="medlsam_cuda_device medlsam_cuda_bench medlsam_cuda_scan_tests"
has_kernels=false
begun=$SECONDS
TIMEFORMAT="%U processor seconds"
if command -v nvcc > /dev/null; then
  has_kernels=true
  { time build "$kernels" "$cuda_targets" -DMEDLSAM_CUDA=ON -DMEDLSAM_TESTS=ON "-DMEDLSAM_CUDA_ARCHITECTURES=${capability:-90}"; } \
    > "$out/build-kernels.log" 2>&1 &
  kernels_build=$!
fi
{ time build "$build" "$torch_targets" -DMEDLSAM_TORCH=ON -DMEDLSAM_TORCH_TESTS=ON "-DLIBTORCH=$libtorch"; } > "$out/build-torch.log" 2>&1 &
torch_build=$!

# built NAME PROCESS: waits for it, and says how it went.
built() {
  if wait "$2"; then
    say "- build-$1: passed, $((SECONDS - begun)) s, $(grep ' processor seconds$' "$out/build-$1.log")"
  else
    failed+=("build-$1")
    say "- build-$1: FAILED after $((SECONDS - begun)) s"
    tail -n 25 "$out/build-$1.log"
    return 1
  fi
}
built torch "$torch_build" || exit 1
if $has_kernels; then built kernels "$kernels_build" || has_kernels=false; fi
program() { find "$1" -name "$2" -type f | head -n 1; }

export MEDLSAM_TORCH=$PWD/$build/medlsam_torch.so MEDLSAM_TEST_DEVICE=$device OMP_WAIT_POLICY=passive
torch_tests=$(program "$build" medlsam_torch_tests)
networks_bench=$(program "$build" medlsam_networks_bench)
scan_bench=$(program "$build" medlsam_scan_bench)

# Tests first, then what is measured, then the checkers, which take longest.
if $has_kernels; then
  kernel_tests=$(program "$kernels" medlsam_cuda_scan_tests)
  step kernels-on-host 60 "$kernel_tests"
  if [ "$device" != cpu ]; then step kernels-on-gpu 60 env "MEDLSAM_CUDA=$PWD/$kernels/medlsam_cuda.so" "$kernel_tests"; fi
fi
step torch-networks 90 "$torch_tests" -sf='*/aten/*,*operations*,*sam_test*,*runtimes*'
if [ "$device" = cpu ]; then
  table whole-scans 120 "$scan_bench" cpu --quick
  table networks 120 "$networks_bench" cpu --quick
else
  if $has_kernels; then
    export MEDLSAM_CUDA=$PWD/$kernels/medlsam_cuda.so
    table kernels 60 "$kernels/medlsam_cuda_bench" "$MEDLSAM_CUDA"
  fi
  table networks 100 "$networks_bench" cuda:0
  table eager 45 "$python" bench/peers/eager_gpu.py cuda:0
  table whole-scans 120 "$scan_bench" cuda:0
  if command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      if $has_kernels; then
        step "kernels-$tool" 90 compute-sanitizer --tool $tool --error-exitcode 9 "$kernel_tests"
      fi
      step "networks-$tool" 60 compute-sanitizer --tool $tool --error-exitcode 9 "$torch_tests" -tc='*extended attention*'
    done
  else
    failed+=("compute-sanitizer (not there)")
    say "- compute-sanitizer is not on this machine: NOT RUN"
  fi
  step torch-training 90 "$torch_tests" -sf='*/training/*'
fi

say ""
say "$SECONDS s in all; failed: ${failed[*]:-nothing}"
[ ${#failed[@]} = 0 ]
