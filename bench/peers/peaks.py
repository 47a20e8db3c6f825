"""What the machine can do: peaks.py THREADS."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from serving import require, serve

numpy = require("numpy")
threads = int(sys.argv[1])


def best(run, repeats):
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def multiply():
    """FLOP/s of a float32 matrix product."""
    n = 2048
    a, b = numpy.ones((2, n, n), numpy.float32)
    out = numpy.empty_like(a)
    return 2 * n**3 / best(lambda: numpy.matmul(a, b, out=out), 30)


def copy():
    """Bytes/s, read plus written, of arrays far beyond any cache."""
    source = numpy.ones((threads, 2**26), numpy.float32)
    target = numpy.ones_like(source)
    with ThreadPoolExecutor(threads) as pool:
        run = lambda: list(pool.map(numpy.copyto, target, source))
        return 2 * source.nbytes / best(run, 10)


serve({"multiply": multiply, "copy": copy})
