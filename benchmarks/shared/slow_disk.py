"""A disk whose syncs take longer: a library to preload, compiled here (needs a C compiler)."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static void wait_for_the_disk(void) {
    struct timespec pause = {0, MILLISECONDS * 1000000L};
    nanosleep(&pause, 0);
}
int fsync(int fd) {
    wait_for_the_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    wait_for_the_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


def slow_disk(folder: Path, milliseconds: int) -> str:
    """Path of the library: under `LD_PRELOAD` every fsync and fdatasync takes so much longer."""
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE, "ascii")
    subprocess.run(
        ["cc", "-shared", "-fPIC", f"-DMILLISECONDS={milliseconds}", "-o", library, source, "-ldl"],
        check=True,
    )
    return str(library)
