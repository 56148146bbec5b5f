# SPDX-License-Identifier: GPL-2.0
"""A process pool whose workers start threads; prints who got which number."""
import multiprocessing
import os
import random
import sys
import threading
import time


def report(role, number):
    # One write, so that lines of several processes don't mix.
    os.write(1, f"{role} {number}\n".encode())


def start_threads():
    worker = multiprocessing.current_process()._identity[0]
    report(worker, os.getpid())
    threads = []
    for nth in range(1, 6):
        time.sleep(random.random() / 200)
        thread = threading.Thread(
            target=lambda nth=nth: (
                report(f"{worker}.{nth}", threading.get_native_id()),
                time.sleep(0.05)))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def square(number):
    return number * number


if __name__ == "__main__":
    random.seed()
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(4, start_threads) as pool:
        total = sum(pool.map(square, range(1000), chunksize=10))
        # Else a worker may be ended before it has said everything.
        pool.close()
        pool.join()
    sys.exit(total != sum(number * number for number in range(1000)))
