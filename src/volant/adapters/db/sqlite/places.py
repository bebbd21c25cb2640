"""Where a database may lie. WAL needs memory shared between all its processes, which network file systems do not give."""

import os
from pathlib import Path

from volant.adapters.db.sqlite.failures import explain_os
from volant.kernel.errors import UnavailableError

UNSAFE = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "smb2",
        "smb3",
        "smbfs",
        "virtiofs",
    }
)


def prepare(path: Path) -> None:
    """Make the folder of a database, and refuse one on a network file system. Raises ``UnavailableError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        device = path.parent.stat().st_dev
    except OSError as error:
        raise explain_os(error, path.parent) from error
    if os.major(device) == 0:  # disks have a major number; network, overlay and memory file systems have none
        kind = file_system(device, _mounts())
        if kind in UNSAFE:
            raise UnavailableError(
                f"A database cannot lie in {path.parent}.",
                found=f"a network file system ({kind}), on which SQLite's write-ahead log loses data",
                next_step="put the project on a local disk, or use PostgreSQL for a team",
            )


def file_system(device: int, mounts: str) -> str | None:
    """The kind of file system a device holds, from the text of ``/proc/self/mountinfo``."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        place, _, kind = line.partition(" - ")
        if place.split(" ")[2:3] == [wanted]:
            return kind.split(" ")[0]
    return None


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
