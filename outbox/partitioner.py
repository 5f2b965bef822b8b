"""Which partition a key goes to: what Java clients and librdkafka's `murmur2_random` compute for a non-empty key.

Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey in Apache Kafka.
"""

_SEED, _M, _R = 0x9747B28C, 0x5BD1E995, 24
_WORD = 0xFFFFFFFF


def partition_of(key: bytes, count: int) -> int:
    """Return the partition of a key on a topic with `count` partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of the bytes as an unsigned number (Java's `int` is the same bits, signed)."""
    value = _SEED ^ len(data)
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _WORD
        value = (value * _M & _WORD) ^ ((word ^ word >> _R) * _M & _WORD)
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * _M & _WORD
    value = (value ^ value >> 13) * _M & _WORD
    return value ^ value >> 15
