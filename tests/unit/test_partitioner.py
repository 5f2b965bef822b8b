"""The hash of a key, against the values that Apache Kafka's own tests expect."""

import pytest

from outbox.partitioner import murmur2, partition_of

#: UtilsTest.testMurmur2 in Apache Kafka (clients/src/test/java/org/apache/kafka/common/utils).
KAFKA_CASES = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    bytes([ord("a"), ord("b"), ord("c")]): 479470107,
}


@pytest.mark.parametrize(("key", "expected"), KAFKA_CASES.items())
def test_hash_is_the_one_of_kafka(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


def test_partition_ignores_the_sign_bit_of_the_hash() -> None:
    assert partition_of(b"21", 6) == (-973932308 & 0x7FFFFFFF) % 6
