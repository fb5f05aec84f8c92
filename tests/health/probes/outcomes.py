"""What a probe says, as a pair that tests can compare."""

import asyncio
from typing import Any

from django_health_check_job.engine.outcome import State
from django_health_check_job.probes import Probe, ProbeResult
from django_health_check_job.probes.base import ProbeSignal

__all__ = ["outcome_of"]


def outcome_of(probe: Probe) -> tuple[State, str]:
    """Run a probe once, as the runner does: None is UP, and signals are verdicts."""
    try:
        result: Any = probe.run()
        if probe.is_async:
            result = asyncio.run(_awaited(result))
    except ProbeSignal as signal:
        return signal.state, str(signal)
    result = result or ProbeResult()
    assert isinstance(result, ProbeResult)
    return result.state, result.message


async def _awaited(result: Any) -> Any:
    return await result
