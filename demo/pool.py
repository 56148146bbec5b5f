# SPDX-License-Identifier: GPL-2.0
"""Four worker processes; the sum is the result, their numbers go to stderr."""
import multiprocessing
import os
import sys


def square(number):
    return os.getpid(), number * number


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(4) as pool:
        answers = pool.map(square, range(1000), chunksize=10)
    print(sum(answer for _, answer in answers))
    workers = sorted({worker for worker, _ in answers})
    print("workers:", *workers, file=sys.stderr)
