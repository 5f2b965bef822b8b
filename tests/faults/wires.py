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
def victim_at(point: Point, signum: int, **environment: str) -> Iterator[tuple[Victim, Proxy | None]]:
    """A relay that has met the signal at the point; with the proxy, if an answer is held there."""
    if not isinstance(point.place, Withheld):
        with Victim(point.name, signum, **environment) as victim:
            yield victim, None
        return
    with _proxy(point.place, point.hit) as proxy, Victim("-", 0, **environment, **_through(proxy)) as victim:
        wait_until(proxy.held.is_set, what=f"at {point}")
        victim.send(signum)
        yield victim, proxy


def _proxy(place: Withheld, hit: int) -> Proxy:
    if place.server == "kafka":
        return KafkaProxy(settings.KAFKA_BOOTSTRAP_SERVERS)
    return PostgresProxy(server(), wanted=place.request, hit=hit, passed=place.passed)


def _through(proxy: Proxy) -> dict[str, str]:
    if isinstance(proxy, KafkaProxy):
        return {"KAFKA_BOOTSTRAP_SERVERS": proxy.address}
    return {"DATABASE_URL": url(proxy.address)}
