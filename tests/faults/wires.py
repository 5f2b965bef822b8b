"""The victim's ways to its servers: direct, or through the proxy that its point needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from tests.conditions import wait_until
from tests.faults.kafka_proxy import KafkaProxy
from tests.faults.killing import Victim, server, url
from tests.faults.points import Point, Withheld
from tests.faults.proxies import PostgresProxy, Proxy


@contextmanager
def victim_at(
    point: Point, signum: int, role: str = "relay", **environment: str
) -> Iterator[tuple[Victim, Proxy | None]]:
    """A process that has met the signal at the point; with the proxy, if something is held there."""
    if not isinstance(point.place, Withheld):
        with Victim(point.name, signum, role, **environment) as victim:
            yield victim, None
        return
    with held_at(point, role, **environment) as (victim, proxy):
        victim.send(signum)
        yield victim, proxy


@contextmanager
def held_at(point: Point, role: str, **environment: str) -> Iterator[tuple[Victim, Proxy]]:
    """A process that lives on and waits at the point, because the proxy holds what it waits for."""
    assert isinstance(point.place, Withheld)
    with (
        _proxy(point.place, point.hit) as proxy,
        Victim("-", 0, role, **environment, **_through(proxy)) as victim,
    ):
        wait_until(proxy.held.is_set, what=lambda: f"at {point}\n{victim.output}")
        yield victim, proxy


def _proxy(place: Withheld, hit: int) -> Proxy:
    if place.server == "kafka":
        return KafkaProxy(settings.KAFKA_BOOTSTRAP_SERVERS)
    return PostgresProxy(server(), wanted=place.request, hit=hit, passed=place.passed, is_sent=place.is_sent)


def _through(proxy: Proxy) -> dict[str, str]:
    if isinstance(proxy, KafkaProxy):
        return {"KAFKA_BOOTSTRAP_SERVERS": proxy.address}
    return {"DATABASE_URL": url(proxy.address)}
