"""Limits of containers, of both versions of control groups."""

import pytest

from django_system_ops.engine.cgroup_files import (
    controller_paths,
    cpus_of_max,
    figures,
    levels,
    limit_of,
)
from django_system_ops.services.performance.cgroups import Cgroups, CpuQuota, Usage
from django_system_ops.services.performance.machine import Machine
from tests.system_ops.performance.trees import (
    MIB,
    V1_CONTAINER,
    V1_HOST,
    V2_CONTAINER,
    V2_SERVICE,
    plant,
)


@pytest.mark.parametrize(
    ("tree", "memory", "swap", "cpu"),
    [
        (
            V2_CONTAINER,
            [Usage(300 * MIB, 512 * MIB)],
            [Usage(16 * MIB, 64 * MIB)],
            [CpuQuota("", 2.5, 1.5)],
        ),
        (
            V2_SERVICE,
            [Usage(100 * MIB, 1024 * MIB), Usage(700 * MIB, 768 * MIB)],
            [],
            [CpuQuota("site.slice/web.service", 1.0, 0.5)],
        ),
        (
            V1_CONTAINER,
            [Usage(480 * MIB, 512 * MIB)],
            [Usage(32 * MIB, 128 * MIB)],
            [CpuQuota("", 3.0, 2.0)],
        ),
        (V1_HOST, [], [], []),
        ({}, [], [], []),
        ({"proc/self/cgroup": "nonsense\n:::\n0::\n"}, [], [], []),
    ],
    ids=["v2 container", "v2 service", "v1 container", "v1 host", "no groups", "nonsense"],
)
def test_recorded_trees_are_read(tmp_path, tree, memory, swap, cpu):
    groups = Cgroups(plant(tree, tmp_path))

    assert (groups.memory(), groups.swap()) == (memory, swap)
    assert [(one.level, one.cpus) for one in groups.cpu()] == [(one.level, one.cpus) for one in cpu]
    assert [one.used_seconds for one in groups.cpu()] == pytest.approx(
        [one.used_seconds for one in cpu]
    )


@pytest.mark.parametrize(
    ("tree", "used", "limit"),
    [
        (V2_CONTAINER, 300 * MIB, 512 * MIB),
        # The slice is nearer to its end than the service in it.
        (V2_SERVICE, 700 * MIB, 768 * MIB),
        (V1_CONTAINER, 480 * MIB, 512 * MIB),
    ],
)
def test_memory_is_measured_against_the_container_and_not_the_host(tmp_path, tree, used, limit):
    machine = Machine(Cgroups(plant(tree, tmp_path)))

    memory = next(one for one in machine.measure() if one.metric == "memory")

    assert (memory.value, memory.limit) == (used, limit)


def test_memory_without_a_limit_is_measured_against_the_host(tmp_path):
    import psutil

    machine = Machine(Cgroups(plant(V1_HOST, tmp_path)))

    memory = next(one for one in machine.measure() if one.metric == "memory")

    assert memory.limit == psutil.virtual_memory().total


def test_cpu_is_what_the_container_has_used_of_its_quota(tmp_path):
    machine = Machine(Cgroups(plant(V2_CONTAINER, tmp_path)))
    machine.begin()
    # A thousand seconds of work at once: whatever the host does, the quota is what is felt.
    plant({"sys/fs/cgroup/cpu.stat": "usage_usec 1002500000\n"}, tmp_path)

    cpu = next(one for one in machine.measure() if one.metric == "cpu")

    assert (cpu.limit, cpu.percent > 100) == (1.5, True)


def test_this_machines_own_groups_can_be_read():
    groups = Cgroups()

    assert all(one.used >= 0 and one.limit > 0 for one in [*groups.memory(), *groups.swap()])
    assert all(one.used_seconds >= 0 and one.cpus > 0 for one in groups.cpu())


def test_paths_of_both_versions_are_told_apart():
    text = "4:cpu,cpuacct:/a\n3:name=systemd:/b\n0::/c:with:colons\n"

    assert controller_paths(text) == {
        "cpu": "/a",
        "cpuacct": "/a",
        "name=systemd": "/b",
        "": "/c:with:colons",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", [""]), ("/a/b", ["a/b", "a", ""]), ("/../../other", ["other", ""])],
)
def test_levels_go_up_to_the_root_and_never_above(path, expected):
    assert levels(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max\n", None), ("-1\n", None), ("", None), ("512\n", 512), (f"{2**63 - 4096}\n", None)],
)
def test_limit_is_a_number_or_none(text, expected):
    assert limit_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("150000 100000\n", 1.5),
        ("max 100000\n", None),
        ("-1 100000", None),
        ("1 0", None),
        ("", None),
    ],
)
def test_quota_is_a_number_of_cpus_or_none(text, expected):
    assert cpus_of_max(text) == expected


def test_figures_that_are_none_are_left_out():
    assert figures("a 1\nb x\nc 2 3\n\nd 4\n") == {"a": 1, "d": 4}
