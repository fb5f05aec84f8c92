"""Control groups as the kernel shows them, written down from real machines and containers."""

from pathlib import Path

MIB = 2**20
UNLIMITED_V1 = str(2**63 - 4096)

# docker run --memory=512m --cpus=1.5, on a host with version 2 and namespaces.
V2_CONTAINER = {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": f"{512 * MIB}\n",
    "sys/fs/cgroup/memory.current": f"{400 * MIB}\n",
    "sys/fs/cgroup/memory.stat": f"anon {300 * MIB}\ninactive_file {100 * MIB}\nactive_file 0\n",
    "sys/fs/cgroup/memory.swap.max": f"{64 * MIB}\n",
    "sys/fs/cgroup/memory.swap.current": f"{16 * MIB}\n",
    "sys/fs/cgroup/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
}

# A systemd service with MemoryMax=1G in a slice with 768 MiB, whose other services fill it.
V2_SERVICE = {
    "proc/self/cgroup": "0::/site.slice/web.service\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "sys/fs/cgroup/site.slice/memory.max": f"{768 * MIB}\n",
    "sys/fs/cgroup/site.slice/memory.current": f"{700 * MIB}\n",
    "sys/fs/cgroup/site.slice/memory.swap.max": "max\n",
    "sys/fs/cgroup/site.slice/cpu.max": "max 100000\n",
    "sys/fs/cgroup/site.slice/web.service/memory.max": f"{1024 * MIB}\n",
    "sys/fs/cgroup/site.slice/web.service/memory.current": f"{100 * MIB}\n",
    "sys/fs/cgroup/site.slice/web.service/cpu.max": "50000 100000\n",
    "sys/fs/cgroup/site.slice/web.service/cpu.stat": "usage_usec 1000000\n",
}

# docker run --memory=512m --memory-swap=640m --cpus=2, on a host with version 1: the path is the
# host's, and inside the container its own group is mounted as the root.
V1_CONTAINER = {
    "proc/self/cgroup": (
        "5:memory:/docker/0123abcd\n4:cpu,cpuacct:/docker/0123abcd\n1:name=systemd:/docker/0123abcd\n"
    ),
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{512 * MIB}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{500 * MIB}\n",
    "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": f"{640 * MIB}\n",
    "sys/fs/cgroup/memory/memory.memsw.usage_in_bytes": f"{532 * MIB}\n",
    "sys/fs/cgroup/memory/memory.stat": f"cache 7\ntotal_inactive_file {20 * MIB}\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000\n",
}

# A host with version 1, with version 2 beside it for systemd, and no limits.
V1_HOST = {
    "proc/self/cgroup": "4:memory:/user\n2:cpuacct:/\n1:cpu:/\n0::/user.slice\n",
    "sys/fs/cgroup/unified/cgroup.controllers": "\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{UNLIMITED_V1}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{9 * MIB}\n",
    "sys/fs/cgroup/memory/user/memory.limit_in_bytes": f"{UNLIMITED_V1}\n",
    "sys/fs/cgroup/memory/user/memory.usage_in_bytes": f"{9 * MIB}\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000\n",
}


def plant(tree: dict[str, str], root: Path) -> Path:
    """Write the files of a tree below a directory, and return it."""
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
