#!/usr/bin/env bash
# Builds, tests and measures what needs a GPU, on a bare machine that has one, nvcc, CMake and PyTorch for CUDA: no Node, no
# network, less than ten minutes. Results go as Markdown to OUT/gpu-check.md, logs beside it.
#   scripts/gpu-check.sh --pack                      before: puts headers that such a machine may lack into .gpu-check (1 MB)
#   scripts/gpu-check.sh                             there, in the working tree with .gpu-check carried along
#   MEDLSAM_TEST_DEVICE=cpu scripts/gpu-check.sh     the same on a machine without a GPU, to see that it builds and runs
set -uo pipefail
cd "$(dirname "$0")/.."
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

# step NAME SECONDS COMMAND…: runs it with a limit; its output goes to a log, and the end of it is shown if it fails.
step() {
  local name=$1 limit=$2 begun=$SECONDS status
  shift 2
  timeout "$limit" "$@" > "$out/$name.log" 2>&1
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
  grep '^|' "$out/$name.log" | tee -a "$report"
  say ""
}

say "# Check on a GPU"
say ""
say "$(date -u +%Y-%m-%d), $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "no GPU"),"
say "$(nvcc --version 2>/dev/null | tail -n 2 | head -n 1), PyTorch $($python -c 'import torch; print(torch.__version__)')"
say ""

libtorch=${LIBTORCH:-$($python -c 'import os, torch; print(os.path.dirname(torch.__file__))')}
settings=(-S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMEDLSAM_ADDON=OFF -DMEDLSAM_TORCH=ON -DMEDLSAM_TORCH_TESTS=ON "-DLIBTORCH=$libtorch")
if command -v ninja > /dev/null; then settings+=(-G Ninja); fi
if [ -e $carried/include/doctest/doctest.h ]; then settings+=("-DDOCTEST_INCLUDE_DIR=$PWD/$carried/include"); fi
if [ ! -e /usr/include/zlib.h ] && [ -e $carried/include/zlib.h ]; then
  library=$(ldconfig -p | awk '/libz\.so\.1 /{print $NF; exit}')
  settings+=("-DZLIB_INCLUDE_DIR=$PWD/$carried/include" "-DZLIB_LIBRARY=$library")
fi
step configure 120 cmake "${settings[@]}" || exit 1
step build 330 cmake --build "$build" --parallel "$jobs" --target medlsam_torch medlsam_torch_tests medlsam_networks_bench || exit 1

export MEDLSAM_TORCH=$PWD/$build/medlsam_torch.so MEDLSAM_TEST_DEVICE=$device OMP_WAIT_POLICY=passive
tests=$(find "$build" -name medlsam_torch_tests -type f | head -n 1)
bench=$(find "$build" -name medlsam_networks_bench -type f | head -n 1)
step torch-networks 90 "$tests" --test-suite-exclude=training -sf='*/aten/*,*operations*,*sam_test*,*runtimes*'
step torch-training 90 "$tests" -sf='*/training/*'
if [ "$device" != cpu ] && command -v compute-sanitizer > /dev/null; then
  for tool in memcheck racecheck; do
    step "$tool" 60 compute-sanitizer --tool $tool --error-exitcode 9 "$tests" -tc='*extended attention*'
  done
fi

# The CUDA plugin: its tests on the GPU, the same under the checkers of memory and races, and its times.
if command -v nvcc > /dev/null; then
  kernels=$build-cuda
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d .)
  settings+=(-B "$kernels" -DMEDLSAM_TORCH=OFF -DMEDLSAM_TORCH_TESTS=OFF -DMEDLSAM_CUDA=ON -DMEDLSAM_TESTS=ON "-DMEDLSAM_CUDA_ARCHITECTURES=${capability:-90}")
  if step kernels-configure 120 cmake "${settings[@]}" &&
    step kernels-build 300 cmake --build "$kernels" --parallel "$jobs" --target medlsam_cuda_device medlsam_cuda_bench medlsam_cuda_scan_tests; then
    tests=$(find "$kernels" -name medlsam_cuda_scan_tests -type f | head -n 1)
    step kernels-on-host 60 "$tests"
    if [ "$device" != cpu ]; then
      export MEDLSAM_CUDA=$PWD/$kernels/medlsam_cuda.so
      step kernels-on-gpu 60 "$tests"
      if command -v compute-sanitizer > /dev/null; then
        for tool in memcheck racecheck; do
          step "kernels-$tool" 90 compute-sanitizer --tool $tool --error-exitcode 9 "$tests"
        done
      fi
      table kernels 90 "$kernels/medlsam_cuda_bench" "$MEDLSAM_CUDA"
    fi
  fi
fi

say ""
if [ "$device" = cpu ]; then
  table networks 120 "$bench" cpu --quick
else
  table networks 120 "$bench" cuda:0
  table eager 60 "$python" bench/peers/eager_gpu.py cuda:0
fi
say "$SECONDS s in all; failed: ${failed[*]:-nothing}"
[ ${#failed[@]} = 0 ]
