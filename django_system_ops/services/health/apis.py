"""HTTP APIs of others: they answer with the status that they should."""

from collections.abc import Iterator
from functools import partial

from django_system_ops.conf.health import ApiSettings, HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import Probe
from django_system_ops.services.http_exchange import NoAnswerError, get, shown_address

__all__ = ["probes"]


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each API of the settings."""
    if not conf.apis:
        yield Probe.skipped("api", "health.apis names none")
    for name, api in conf.apis.items():
        yield Probe("api", f"api:{name}", partial(_ask, api), api.timeout_seconds)


def _ask(api: ApiSettings, seconds: float) -> Finding:
    url = api.url.get_secret_value()
    where = (shown_address(url),)
    headers = {name: value.get_secret_value() for name, value in api.headers.items()}
    try:
        answer = get(url, headers=headers, timeout_seconds=seconds)
    except NoAnswerError as error:
        return Finding(State.FAIL, str(error), where)
    ms = answer.latency_ms
    if answer.status == api.status:
        return Finding(State.OK, f"answers {answer.status}", where, ms)
    away = ", and sends its callers elsewhere" if answer.redirects_away else ""
    sentence = f"answers {answer.status}{away}; {api.status} is what it should say"
    return Finding(State.FAIL, sentence, where, ms)
