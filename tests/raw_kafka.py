"""Kafka's wire protocol by hand: a record with a header name that no client library would write.

Source: https://kafka.apache.org/protocol (Produce, version 3) and the record batch of
https://kafka.apache.org/documentation/#recordbatch.
"""

import socket
import struct
import time

_CASTAGNOLI = 0x82F63B78


def append_raw(
    address: str, topic: str, partition: int, *, key: bytes, value: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    """Append one record; header names are any bytes. Fails unless the broker has accepted it."""
    batch = _batch(key, value, headers)
    body = struct.pack(">hhi", -1, -1, 10_000)  # no transaction, acks=all, milliseconds
    body += struct.pack(">ih", 1, len(topic)) + topic.encode() + struct.pack(">iii", 1, partition, len(batch)) + batch
    request = struct.pack(">hhih", 0, 3, 1, -1) + body
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as broker, broker.makefile("rb") as answers:
        broker.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", answers.read(4))
        (code,) = struct.unpack_from(">h", answers.read(size), 4 + 4 + 2 + len(topic) + 4 + 4)
    assert code == 0, f"the broker answers with error code {code}"


def _batch(key: bytes, value: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    record = b"\x00" + _varint(0) + _varint(0) + _sized(key) + _sized(value) + _varint(len(headers))
    record += b"".join(_sized(name) + _sized(content) for name, content in headers)
    now = time.time_ns() // 1_000_000
    content = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + _sized(record)
    rest = struct.pack(">ibI", -1, 2, _crc32c(content)) + content
    return struct.pack(">qi", 0, len(rest)) + rest


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(number: int) -> bytes:
    zigzag, encoded = number << 1, bytearray()
    while zigzag > 0x7F:
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*encoded, zigzag])


def _crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
