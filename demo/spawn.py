# SPDX-License-Identifier: GPL-2.0
"""posix_spawn tells of a missing file by errno, through shared memory."""
import os

try:
    os.posix_spawn("/nonexistent/program", ["program"], os.environ)
except FileNotFoundError as error:
    print("posix_spawn:", error.strerror)
os.posix_spawn("/bin/true", ["true"], os.environ)
print("a real one ended with", os.waitstatus_to_exitcode(os.wait()[1]))
