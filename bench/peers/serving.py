"""Runs operations on request: names come in on stdin, one JSON string a line; what they took goes out on stdout."""

import importlib
import json
import sys
import time


def reply(**message):
    print(json.dumps(message), flush=True)


def give_up(package):
    reply(failure=f"needs the Python package {package}, which is missing")
    sys.exit()


def require(name):
    """The module, or the end of this process with a line that says what is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        give_up(name.split(".")[0])


def available(name):
    """The module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def memory(field):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))


def extra_memory(operation):
    """The operation's result, and how far memory rose above what was in use (None where the system does not say)."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forget the peak so far
        before = memory("VmRSS:")
    except OSError:
        return operation(), None
    result = operation()
    return result, memory("VmHWM:") - before


def serve(operations, **facts):
    """`operations`: name -> function without arguments; what it returns must be JSON or None."""
    reply(facts={**facts, "operations": list(operations)})
    for line in sys.stdin:
        operation = operations[json.loads(line)]
        started = time.perf_counter()
        value, extra = extra_memory(operation)
        reply(seconds=time.perf_counter() - started, extraBytes=extra, value=value)
