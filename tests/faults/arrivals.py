"""What arrives on payments' topic while a consumer breaks: real payments, and customers' events in versions."""

import json
from collections import Counter
from uuid import uuid4

from outbox.envelope import encode
from outbox.partitioner import partition_of
from outbox.relay import Relay
from tests.purchases import capture, drain
from tests.records import TOPIC, captured, event
from tests.topics import Topics

PARTITIONS = 6
#: Keys of one partition, so that their events come in one order.
KEYS = [key for key in (f"customer-{n}" for n in range(100)) if partition_of(key.encode(), PARTITIONS) == 0][:4]


class Arrivals:
    """Writes events. `version` of a customer's events rises by one; the customer is the partition key."""

    def __init__(self, topics: Topics, relay: Relay) -> None:
        self._topics = topics
        self._relay = relay
        self._versions: Counter[str] = Counter()
        self._payments = 0

    def arrive(self) -> None:
        """Twelve events that are handled, and six that are not: payments through the relay, customers' beside them."""
        for _ in range(6):
            capture(self._payments)
            self._payments += 1
        drain(self._relay)
        for _ in range(3):
            for key in KEYS[:2]:
                self.write(key)

    def arrive_with_poison(self) -> None:
        """Ten events in one partition: the sixth always fails, the second is of its key, the ninth waits behind it."""
        bad, *others = KEYS
        twice = str(uuid4())
        for number in range(10):
            if number in (1, 5):
                self.write(bad, payment_id=twice)
            else:
                self.write(bad if number == 8 else others[number % 3])

    def write(self, key: str, **changes: object) -> None:
        """Write the key's next event."""
        self._versions[key] += 1
        version = self._versions[key]
        written = event(
            json.dumps(captured(version=version, reference=f"{key}/{version}", **changes)).encode(), key=key
        )
        self._topics.write(TOPIC, written.data, key=key.encode(), headers=encode(written))
