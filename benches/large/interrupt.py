#!/usr/bin/env python3
"""Measures how long after an interrupt the report of a scan is there.

    interrupt.py DERELICT SITE DATASTORES FORM[,FORM…] crawl|judge[+MS] [FOLDER]

SITE is a folder that `site.py` has made; so many of its datastores are scanned. The signal is sent so many milliseconds after
the crawl, or the judgement, has begun; the files go to FOLDER (/dev/shm). With the right to do so it gives derelict a priority from
then on, so that what else the machine does counts for little. Prints for every form when its file was in its place.
"""

import os
import signal
import subprocess
import sys
import time

PHASES = {"crawl": b'"crawl"', "judge": b'"reconcile"'}


def hurry(process):
    """Every thread has a priority of its own, and gives it to those that it starts."""
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        try:
            os.setpriority(os.PRIO_PROCESS, int(thread), -15)
        except OSError:
            pass


def main(derelict, site, datastores, forms, when, folder="/dev/shm"):
    outputs = [f"{folder}/interrupt-{os.getpid()}.{form}" for form in forms.split(",")]
    roots = [f"{site}/ds{number:02}" for number in range(int(datastores))]
    command = [derelict, "scan", *roots, "-i", f"{site}/inventory", "--progress", "json", "-f", "prom"]
    for output in outputs:
        command += ["-o", output]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    phase, _, milliseconds = when.partition("+")
    while PHASES[phase] not in process.stderr.readline():
        pass
    time.sleep(int(milliseconds or 0) / 1000)
    hurry(process)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    there = {}
    has_ended = False
    while not has_ended:
        has_ended = process.poll() is not None
        for output in outputs:
            if output not in there and os.path.exists(output):
                there[output] = time.monotonic() - start
        time.sleep(0.001)
    ended = time.monotonic() - start
    for output in outputs:
        size = os.path.getsize(output) >> 20 if output in there else 0
        print(f"{datastores} datastores, {when}, {output.rpartition('.')[2]}: {there.get(output, -1):.2f} s, {size} MiB")
        if output in there:
            os.unlink(output)
    print(f"ended after {ended:.2f} s with status {process.returncode}")


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
